import { stat } from 'node:fs/promises';
import type { Attempts } from '../diagnosis/attempts.ts';
import type { Diagnosis } from '../diagnosis/rank.ts';
import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { NodeState } from '../slurm/sinfo.ts';
import { printable } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, flag, printJson, texts } from './command.ts';

export const diagnoseCommand: Command = {
  command: 'diagnose <target..>',
  describe: 'Why a run, a job or a log ended: one cause with its evidence, or an honest "unknown"',
  examples: [
    ['$0 diagnose slurm-841.out', 'Of a log file alone; several files are the logs of one job'],
    ['$0 diagnose 841', 'Of a job: its logs, and what Slurm says of it'],
    ['zcat run.log.gz | $0 diagnose - --json', 'Of what comes in'],
  ],
  options: (parser) =>
    parser
      .positional('target', {
        type: 'string',
        array: true,
        describe: 'Log files (also gzip and zstd), "-", a run or a job id',
      })
      .option('all', {
        type: 'boolean',
        describe: 'Also every cause that stands behind the first, and what was ruled out',
      })
      .epilogue('Exit code 0: healthy, 1: diagnosed, 3: unknown.'),
  handler: diagnose,
};

async function diagnose(args: Arguments, context: Context): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const [{ loadRunbooks }, { describeState }, work] = await Promise.all([
    import('../runbook/load.ts'),
    import('../diagnosis/slurm-evidence.ts'),
    import('../diagnosis/diagnose.ts'),
  ]);
  const { sources, slurm, nodes, notes } = await resolve(args, context);
  const runbooks = await loadRunbooks(system);
  const result = await work.diagnose(runbooks, sources, slurm);
  for (const note of notes) terminal.warn(printable(note));
  for (const { problem } of result.readings) if (problem !== null) terminal.warn(printable(problem));
  const { readings, ...diagnosis } = result;
  if (options.json) {
    const logs = readings.map(({ name, lines, bytes, problem }) => ({ name, lines, bytes, problem }));
    printJson(terminal, { ...diagnosis, earlier: (slurm.earlier ?? []).map(describeState), nodes, logs });
  } else {
    const { reportLines } = await import('./diagnosis-report.ts');
    for (const line of reportLines(result, nodes, flag(args, 'all'), terminal.style)) terminal.out(line);
  }
  return exitCodeOf(result.status);
}

export function exitCodeOf(status: Diagnosis['status']): ExitCode {
  if (status === 'healthy') return EXIT.ok;
  return status === 'diagnosed' ? EXIT.failed : EXIT.unknown;
}

interface Input {
  readonly sources: readonly import('../diagnosis/diagnose.ts').Source[];
  readonly slurm: Attempts;
  /** Its nodes that are not well. */
  readonly nodes: readonly NodeState[];
  readonly notes: readonly string[];
}

/** Files, standard input, or one run or job; a file that is there wins over a run of that name. */
export async function resolve(args: Arguments, { system, argv }: Context): Promise<Input> {
  const targets = targetsOf(args, argv);
  const { fileSource, stdinSource } = await import('../diagnosis/diagnose.ts');
  const files = await Promise.all(targets.map((target) => target === '-' || isThere(target)));
  const [only] = targets;
  if (
    targets.length === 1 &&
    only !== undefined &&
    !files[0] &&
    !/[/]|\.(?:log|out|err|txt|gz|zst)$/.test(only)
  ) {
    return gatherTarget(only, system);
  }
  if (targets.filter((target) => target === '-').length > 1) {
    throw new UsageError(
      '"-" is given twice, and standard input can be read once',
      'Leave out the second "-".',
    );
  }
  const sources = targets.map((target) =>
    target === '-' ? stdinSource(system) : fileSource(system, target),
  );
  return { sources, slurm: {}, nodes: [], notes: [] };
}

/** The words after the command. yargs loses a lone "-" among several positionals, so it is read from what was typed. */
function targetsOf(args: Arguments, argv: readonly string[]): string[] {
  return [...texts(args, 'target'), ...argv.filter((word) => word === '-')];
}

/** What there is to read of one run or job, and what Slurm says of it. */
export async function gatherTarget(name: string, system: Context['system']): Promise<Input> {
  const [{ findTarget }, { gather }, { fileSource }] = await Promise.all([
    import('../run/target.ts'),
    import('../diagnosis/gather.ts'),
    import('../diagnosis/diagnose.ts'),
  ]);
  const { files, slurm, nodes, kernel, notes } = await gather(system, await findTarget(system, name));
  // A job that waits has written nothing yet.
  const waits = slurm.newest?.state.phase === 'pending';
  const there = waits
    ? (await Promise.all(files.map(async (path) => ((await isThere(path)) ? [path] : [])))).flat()
    : files;
  const logs = there.map((path) => fileSource(system, path));
  const kernelLog = kernel === undefined ? [] : [{ name: kernel.name, chunks: [Buffer.from(kernel.text)] }];
  return { sources: [...kernelLog, ...logs], slurm, nodes, notes };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
