import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import { table } from '../terminal/table.ts';
import { printable } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, printJson, text } from './command.ts';

export const silenceCommand: Command = {
  command: 'silence',
  describe: 'Keep alerts from being told, for a time',
  examples: [
    ['$0 silence add --fault disk-full --for 2h --reason "the quota is being raised"', 'of one fault'],
    ['$0 silence list', 'those in force'],
  ],
  subcommands: [
    {
      command: 'add',
      describe: 'Keep alerts of a fault, a run or a node from being told, for a time',
      examples: [
        ['$0 silence add --run last --for 1d --reason "known, the run ends today"', 'all alerts of one run'],
        [
          '$0 silence add --node "n04*" --fault node-fail --for 4:00:00 --reason "rack 4 is being moved"',
          'both must match; * stands for any characters',
        ],
      ],
      options: (parser) =>
        parser
          .option('fault', {
            type: 'string',
            requiresArg: true,
            describe: 'Id of a fault ("opsctl faults list")',
          })
          .option('run', {
            type: 'string',
            requiresArg: true,
            describe: 'A run, or a pattern with *; alerts of it alone',
          })
          .option('node', {
            type: 'string',
            requiresArg: true,
            describe: 'A node, or a pattern with *; alerts of it alone',
          })
          .option('for', {
            type: 'string',
            requiresArg: true,
            demandOption: true,
            describe: 'How long: 90m, 2h, 1d12h, or as Slurm writes times',
          })
          .option('reason', {
            type: 'string',
            requiresArg: true,
            demandOption: true,
            describe: 'Why, for whoever comes after',
          }),
      handler: add,
    },
    {
      command: 'list',
      describe: 'The silences in force, with who made them, why and until when',
      examples: [
        ['$0 silence list', 'as a table'],
        ['$0 silence list --json', 'for a script'],
      ],
      handler: list,
    },
    {
      command: 'remove <id>',
      describe: 'End a silence before its time',
      examples: [
        ['$0 silence remove 1f0c9a2e', 'by the id that "silence list" shows'],
        ['$0 silence remove 1f0c9a2e --json', 'and print what it was'],
      ],
      options: (parser) => parser.positional('id', { type: 'string', describe: 'Id of a silence' }),
      handler: remove,
    },
  ],
};

async function add(args: Arguments, context: Context): Promise<ExitCode> {
  const [{ addSilence }, { parseSpan }, { oneLine }] = await Promise.all([
    import('../alert/change-silences.ts'),
    import('../alert/span.ts'),
    import('../alert/plain.ts'),
  ]);
  const forMs = parseSpan(text(args, 'for') ?? '');
  if (forMs === undefined)
    throw new UsageError(`--for ${text(args, 'for')} is no time`, 'Write 90m, 2h, 1d12h or 4:00:00.');
  if (forMs > LONGEST_MS)
    throw new UsageError(`--for ${text(args, 'for')} is longer than a year`, 'A silence has to end.');
  const reason = oneLine(text(args, 'reason') ?? '');
  if (reason === '') throw new UsageError('--reason is empty', 'Say why, for whoever comes after.');
  const match = {
    fault: pattern(args, 'fault'),
    run: await runOf(pattern(args, 'run'), context),
    node: pattern(args, 'node'),
  };
  if (match.fault === null && match.run === null && match.node === null)
    throw new UsageError('a silence for everything is no silence', 'Give --fault, --run or --node.');
  await warnOfUnknown(match.fault, context);
  const silence = await addSilence(context.system, match, forMs, reason);
  if (context.options.json) printJson(context.terminal, silence);
  else context.terminal.out(printable(`${silence.id}  until ${silence.expiresAt}`));
  return EXIT.ok;
}

const LONGEST_MS = 366 * 86_400_000;

function pattern(args: Arguments, name: string): string | null {
  const value = text(args, name);
  if (value === '') throw new UsageError(`--${name} is empty`);
  return value ?? null;
}

/** A run may be named as everywhere: by the beginning of its id, its job, or `last`. */
async function runOf(name: string | null, { system }: Context): Promise<string | null> {
  if (name === null || name.includes('*')) return name;
  const { findTargetRun } = await import('../run/target.ts');
  return (await findTargetRun(system, name)).runId;
}

/** A silence for a fault that does not exist holds back nothing; a site may have faults of its own. */
async function warnOfUnknown(fault: string | null, { system, terminal }: Context): Promise<void> {
  if (fault === null || fault.includes('*')) return;
  const [{ loadRunbooks }, { faultsOf }, { didYouMean }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../runbook/show.ts'),
    import('../terminal/suggest.ts'),
  ]);
  const known = faultsOf(await loadRunbooks(system)).map((book) => book.fault);
  if (known.includes(fault)) return;
  terminal.warn(printable(`no runbook is called "${fault}".${didYouMean(fault, known)}`));
}

async function list(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const { listSilences } = await import('../alert/change-silences.ts');
  const silences = await listSilences(system);
  if (options.json) printJson(terminal, silences);
  else if (silences.length === 0) terminal.note('no silence is in force');
  else {
    const rows = silences.map(({ id, fault, run, node, expiresAt, by, createdAt, reason }) =>
      [id, fault ?? '', run ?? '', node ?? '', expiresAt, by, createdAt, reason].map(printable),
    );
    for (const line of table([['ID', 'FAULT', 'RUN', 'NODE', 'UNTIL', 'BY', 'MADE', 'REASON'], ...rows]))
      terminal.out(line);
  }
  return EXIT.ok;
}

async function remove(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const { removeSilence } = await import('../alert/change-silences.ts');
  const silence = await removeSilence(system, text(args, 'id') ?? '');
  if (options.json) printJson(terminal, silence);
  else terminal.out(printable(`${silence.id} ended; it was: ${silence.reason}`));
  return EXIT.ok;
}
