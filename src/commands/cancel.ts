import { EXIT, type ExitCode } from '../errors.ts';
import type { CancelOutcome, CancelResult } from '../run/cancel.ts';
import { type Command, printJson, text } from './command.ts';

export const cancelCommand: Command = {
  command: 'cancel <run>',
  describe: 'Cancel a run, or send it a signal',
  examples: [
    ['$0 cancel last', 'Ends the newest run'],
    ['$0 cancel 4711 --signal USR1', 'Sends a signal to the processes of a job, which goes on'],
  ],
  options: (parser) =>
    parser
      .positional('run', {
        type: 'string',
        describe: 'A run, the beginning of its name, a job id, or "last"',
      })
      .option('signal', { type: 'string', describe: 'Send this signal instead of ending the job' }),
  handler: async (args, { system, terminal, options }) => {
    const [{ cancel }, { findTarget }] = await Promise.all([
      import('../run/cancel.ts'),
      import('../run/target.ts'),
    ]);
    const target = await findTarget(system, text(args, 'run') ?? '');
    const result = await cancel(system, target, text(args, 'signal'));
    const { runId, jobId, before, after } = result;
    if (options.json) printJson(terminal, { runId, jobId, before, after });
    else terminal.out(SENTENCES[result.outcome](result));
    return EXITS[result.outcome];
  },
};

const EXITS: Readonly<Record<CancelOutcome, ExitCode>> = {
  'had-ended': EXIT.ok,
  ended: EXIT.ok,
  ending: EXIT.ok,
  signalled: EXIT.ok,
  'still-active': EXIT.failed,
  unknown: EXIT.unknown,
};

const SENTENCES: Readonly<Record<CancelOutcome, (result: CancelResult) => string>> = {
  'had-ended': (result) => `${name(result)} had ended before: ${result.before}. Nothing was done.`,
  ended: (result) => `${name(result)} was ${result.before} and is ${result.after}.`,
  ending: (result) => `${name(result)} was ${result.before} and is ending: ${result.after}.`,
  signalled: (result) => `${name(result)} was sent the signal; it is ${result.after}.`,
  'still-active': (result) =>
    `${name(result)} was asked to end and is still ${result.after}: see "opsctl status ${result.runId ?? result.jobId}".`,
  unknown: (result) =>
    `${name(result)}: Slurm was ${result.before === result.after ? 'not asked to end it, because it' : 'asked to end it, and now'} shows no such job.`,
};

function name({ runId, jobId }: CancelResult): string {
  if (runId === null) return `Job ${jobId}`;
  return jobId === null ? `Run ${runId}` : `Run ${runId} (job ${jobId})`;
}
