import { EXIT, type ExitCode } from '../errors.ts';
import type { System } from '../system/system.ts';
import { type Arguments, type Command, type Context, printJson, text, texts } from './command.ts';
import type { Runnable } from './trainers-runnable.ts';

export const trainersCommand: Command = {
  command: 'trainers',
  describe: 'What runs what, and whose flags are known in which version',
  examples: [
    ['$0 trainers', 'every phase, the program that trains, and its version'],
    ['$0 trainers add trl-sft 1.11.0 --from help.txt', "a newer version, from the program's own --help"],
  ],
  handler: list,
  subcommands: [
    {
      command: 'signals',
      describe:
        'How each trainer is told to stop, what it leaves, how it goes on, and whether it is requeued',
      examples: [
        ['$0 trainers signals', 'one block for each trainer, or each of its programs'],
        ['$0 trainers signals --trainer-version trl-sft=1.10.0.dev0', 'what holds for that version'],
        ['$0 trainers signals --json', 'the same for scripts, with the version it was read from'],
      ],
      options: (parser) =>
        parser.option('trainer-version', {
          type: 'string',
          requiresArg: true,
          describe: 'PROGRAM=VERSION: only that program, in that version; may be repeated',
        }),
      handler: signals,
    },
    {
      command: 'add <program> <trainer-version>',
      describe: "Add a version's flags, from the program's own --help, source or configuration",
      examples: [
        ['python3 -m trl.scripts.sft --help | $0 trainers add trl-sft 1.11.0 --from -', 'from --help'],
        ['$0 trainers add openrlhf-sft 0.9.9 --from openrlhf/cli/train_sft.py', 'from Python source'],
      ],
      options: (parser) =>
        parser
          .positional('program', {
            type: 'string',
            describe: 'Program, as "trainers --json" names it, or a new one',
          })
          .positional('trainer-version', { type: 'string', describe: 'Its version, or commit' })
          .option('from', {
            type: 'string',
            requiresArg: true,
            demandOption: true,
            describe: 'File with --help, Python source, or Hydra YAML; - is standard input; may be repeated',
          })
          .option('source', {
            type: 'string',
            requiresArg: true,
            describe: 'Where these words come from, such as owner/repository@commit [default: the files]',
          })
          .option('dry-run', { type: 'boolean', describe: 'Show what would change, and write nothing' }),
      handler: add,
    },
  ],
};

async function list(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ runnable }, { table }] = await Promise.all([
    import('./trainers-runnable.ts'),
    import('../terminal/table.ts'),
  ]);
  const rows = await namedRows(args, system.env, await runnable(system.env));
  if (options.json) {
    printJson(terminal, rows);
    return EXIT.ok;
  }
  const cells = rows.map((row) => [
    row.stage === null ? row.phase : `${row.phase} --stage ${row.stage}`,
    row.trainer,
    row.program ?? '-',
    row.version ?? '-',
    row.versions.filter((version) => version !== row.version).join(' '),
  ]);
  for (const line of table([['PHASE', 'TRAINER', 'PROGRAM', 'VERSION', 'ALSO KNOWN'], ...cells]))
    terminal.out(line);
  return EXIT.ok;
}

async function signals(args: Arguments, context: Context): Promise<ExitCode> {
  if (context.options.json) return list(args, context);
  const [{ runnable }, { showSignals }] = await Promise.all([
    import('./trainers-runnable.ts'),
    import('./trainers-signals.ts'),
  ]);
  const rows = await namedRows(args, context.system.env, await runnable(context.system.env));
  for (const line of showSignals(rows)) context.terminal.out(line);
  for (const { trainer, phase, stage, version } of rows.filter((row) => row.lifecycles.length === 0))
    if (text(args, 'trainer-version') !== undefined)
      context.terminal.out(
        `${trainer}: ${stage ?? phase}: no row of the table holds for ${version}: no signal is sent, and it is not requeued.`,
      );
  return EXIT.ok;
}

async function namedRows(
  args: Arguments,
  env: System['env'],
  rows: readonly Runnable[],
): Promise<readonly Runnable[]> {
  const named = texts(args, 'trainer-version');
  if (named.length === 0) return rows;
  const [{ namedVersions }, { versionsOf }, { ofVersions }] = await Promise.all([
    import('../lint/trainer-version.ts'),
    import('../trainer/knowledge.ts'),
    import('./trainers-runnable.ts'),
  ]);
  return ofVersions(
    rows,
    namedVersions(named, (program) => versionsOf(env, program)),
  );
}

async function add(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ addVersion, showAdded }] = await Promise.all([import('./trainers-add.ts')]);
  const added = await addVersion(system, {
    program: String(args.program),
    version: String(args['trainer-version']),
    from: texts(args, 'from'),
    source: text(args, 'source') ?? texts(args, 'from').join(' ').replace(/^-$/, 'standard input'),
    write: args['dry-run'] !== true,
  });
  if (options.json) printJson(terminal, added);
  else for (const line of showAdded(added)) terminal.out(line);
  return EXIT.ok;
}
