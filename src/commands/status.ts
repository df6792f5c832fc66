import { EXIT, type ExitCode, type OpsError, UsageError } from '../errors.ts';
import type { RunStatus } from '../run/status-document.ts';
import { type Command, type Context, flag, printJson, text } from './command.ts';

/** A screen of runs. */
const SHOWN = 20;

export const statusCommand: Command = {
  command: 'status [run]',
  describe: 'What runs are doing: state, step, loss, tokens/s',
  examples: [
    ['$0 status', 'Your runs, newest first, and all active ones'],
    ['$0 status last --json', 'All that is known of the newest run'],
    ['$0 status 4711', 'A job by its id, also one that opsctl did not submit'],
  ],
  options: (parser) =>
    parser
      .positional('run', {
        type: 'string',
        describe: 'A run, the beginning of its name, a job id, or "last"',
      })
      .option('all', { type: 'boolean', describe: `Every run, not only the newest ${SHOWN}` }),
  handler: async (args, context) => {
    const name = text(args, 'run');
    if (name === undefined) return list(context, flag(args, 'all'));
    if (flag(args, 'all'))
      throw new UsageError('--all is for the list of runs', 'Leave out --all, or the run.');
    return one(context, name);
  },
};

async function list({ system, terminal, options }: Context, all: boolean): Promise<ExitCode> {
  const [{ manyStatuses }, { statusTable }] = await Promise.all([
    import('../run/status.ts'),
    import('./status-text.ts'),
  ]);
  const { statuses, hidden, failure } = await manyStatuses(system, all ? Number.POSITIVE_INFINITY : SHOWN);
  if (options.json) printJson(terminal, statuses);
  else if (statuses.length === 0)
    terminal.note('No runs yet: "opsctl submit sft --help" shows how to start one.');
  else for (const line of statusTable(statuses, terminal.style)) terminal.out(line);
  if (hidden > 0) terminal.note(`${hidden} older runs are not shown; --all shows them.`);
  return warn(failure, terminal.warn) ?? EXIT.ok;
}

async function one(context: Context, name: string): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const [{ oneStatus }, { findTarget }, { statusLines }] = await Promise.all([
    import('../run/status.ts'),
    import('../run/target.ts'),
    import('./status-text.ts'),
  ]);
  const target = await findTarget(system, name).catch(async (error: unknown) => {
    if (await isPipeline(system, name)) return undefined;
    throw error;
  });
  if (target === undefined) {
    const { showPipeline } = await import('./pipeline-status.ts');
    return showPipeline(name, context);
  }
  const { status, failure } = await oneStatus(system, target);
  if (options.json) printJson(terminal, status);
  else for (const line of statusLines(status, terminal.style)) terminal.out(line);
  const code = warn(failure, terminal.warn);
  // An end is an end, also when accounting alone could tell it.
  return code !== undefined && !['ok', 'failed', 'cancelled'].includes(status.outcome)
    ? code
    : exitCodeOf(status);
}

async function isPipeline(system: Context['system'], name: string): Promise<boolean> {
  const { listPipelines } = await import('../pipeline/record.ts');
  return (await listPipelines(system)).some(({ pipelineId }) => pipelineId === name);
}

function exitCodeOf({ outcome }: RunStatus): ExitCode {
  if (outcome === 'unknown') return EXIT.unknown;
  return outcome === 'failed' || outcome === 'cancelled' ? EXIT.failed : EXIT.ok;
}

/** What is on the screen is from files then: the reader must know, and scripts by the exit code. */
function warn(failure: OpsError | undefined, say: (line: string) => void): ExitCode | undefined {
  if (failure === undefined) return undefined;
  say(`warning: ${failure.message}${failure.hint === undefined ? '' : `\n  ${failure.hint}`}`);
  return failure.exitCode;
}
