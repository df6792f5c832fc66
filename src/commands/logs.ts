import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { LogChoice, LogFile } from '../run/log-files.ts';
import type { LogSource } from '../run/logs.ts';
import type { Knowledge } from '../run/state.ts';
import type { Target } from '../run/target.ts';
import { printable } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, flag, printJson, text } from './command.ts';

const LINES = 100;

export const logsCommand: Command = {
  command: 'logs <run>',
  describe: 'Output of a run: all ranks, one rank or one node',
  examples: [
    ['$0 logs last -f', 'Follows the newest run, also over a requeue, until it has ended'],
    ['$0 logs sft-7b --rank 9 --lines all', 'Everything that one rank has printed'],
    ['$0 logs 4711 --node gnode02 --attempt 0', 'One node in the first attempt'],
  ],
  options: (parser) =>
    parser
      .positional('run', {
        type: 'string',
        describe: 'A run, the beginning of its name, a job id, or "last"',
      })
      .option('follow', { alias: 'f', type: 'boolean', describe: 'Go on until the job has ended' })
      .option('rank', { type: 'string', describe: 'Only this global rank' })
      .option('node', { type: 'string', describe: 'Only this node, by name or number in the job' })
      .option('attempt', { type: 'string', describe: 'Only this attempt; 0 is the one before any requeue' })
      .option('lines', { type: 'string', describe: `Lines from the end of each file, or "all" (${LINES})` })
      .option('raw', {
        type: 'boolean',
        describe: 'Colours, bars and control codes as they are in the file',
      }),
  handler: logs,
};

async function logs(args: Arguments, context: Context): Promise<ExitCode> {
  const { system, terminal, options } = context;
  if (flag(args, 'follow') && options.json) {
    throw new UsageError(
      'a log that is followed has no end, so it is no single JSON document',
      'Leave out --json or -f.',
    );
  }
  const choice = choiceOf(args);
  const count = lineCount(text(args, 'lines'));
  const [{ logSource, readLogs, numberedLogs, whyEmpty }, { findTarget }] = await Promise.all([
    import('../run/logs.ts'),
    import('../run/target.ts'),
  ]);
  const target = await findTarget(system, text(args, 'run') ?? '');
  const source = await logSource(system, target, choice);
  const show = shower(terminal.out, flag(args, 'raw'));
  if (flag(args, 'follow')) {
    const known = await followUntilEnd(target, source, count, show, context);
    return known === undefined ? EXIT.cancelled : EXIT.ok;
  }
  const files = newestAttempt(await source(), choice);
  if (options.json) {
    const lines = await numberedLogs(files, count);
    printJson(terminal, lines);
    return lines.length > 0 ? EXIT.ok : EXIT.unknown;
  }
  const there = await readLogs(files, count, show);
  if (there > 0) return EXIT.ok;
  terminal.warn(await whyEmpty(system, target));
  return EXIT.unknown;
}

/** Follows a run that was just submitted, for `submit --watch`. Exit code 1 when it does not end well. */
export async function followRun(runId: string, context: Context): Promise<ExitCode> {
  const [{ logSource }, { findTarget }] = await Promise.all([
    import('../run/logs.ts'),
    import('../run/target.ts'),
  ]);
  const target = await findTarget(context.system, runId);
  const source = await logSource(context.system, target, choiceOf({}));
  // The submission's JSON document is alone on standard output.
  const show = shower(context.options.json ? context.terminal.note : context.terminal.out, false);
  const known = await followUntilEnd(target, source, Number.POSITIVE_INFINITY, show, context);
  if (known === undefined) return EXIT.cancelled;
  if (known.state.outcome === 'unknown') return EXIT.unknown;
  return known.state.outcome === 'ok' ? EXIT.ok : EXIT.failed;
}

async function followUntilEnd(
  target: Target,
  source: LogSource,
  lines: number,
  emit: (line: string, file: LogFile) => void,
  { system, terminal }: Context,
): Promise<Knowledge | undefined> {
  const [{ follow }, { knowTarget, attemptRecord }] = await Promise.all([
    import('../run/follow.ts'),
    import('../run/status.ts'),
  ]);
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once('SIGINT', onInterrupt);
  try {
    return await follow({
      files: source,
      knowledge: async () => (await knowTarget(system, target)).knowledge,
      record: () => attemptRecord(target),
      emit,
      note: (sentence) => terminal.note(terminal.style('dim', `-- ${printable(sentence)}`)),
      lines,
      signal: stop.signal,
    });
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

/** Without -f and --attempt only the newest attempt of a node or rank is shown: the ones before are another story. */
function newestAttempt(files: readonly LogFile[], choice: LogChoice): readonly LogFile[] {
  if (choice.attempt !== undefined) return files;
  const newest = Math.max(...files.map((file) => file.attempt ?? 0));
  return files.filter((file) => (file.attempt ?? 0) === newest);
}

/** Shows a line safely: of a progress bar's states, which stand behind one another, only the last. */
function shower(out: (line: string) => void, raw: boolean): (line: string, file: LogFile) => void {
  if (raw) return (line, file) => out(file.label + line);
  return (line, file) => {
    const states = line.split('\r').filter((state) => state !== '');
    out(file.label + printable(states.at(-1) ?? ''));
  };
}

function choiceOf(args: Arguments): LogChoice {
  const choice = {
    node: text(args, 'node'),
    rank: wholeNumber('--rank', text(args, 'rank')),
    attempt: wholeNumber('--attempt', text(args, 'attempt')),
  };
  if (choice.node !== undefined && choice.rank !== undefined) {
    throw new UsageError(
      '--rank and --node exclude each other: a rank runs on one node',
      'Give one of them.',
    );
  }
  return choice;
}

function lineCount(value: string | undefined): number {
  return value === 'all' ? Number.POSITIVE_INFINITY : (wholeNumber('--lines', value) ?? LINES);
}

function wholeNumber(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`${option} takes a whole number from 0, not "${value}"`);
  return Number(value);
}
