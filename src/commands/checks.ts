import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { LoadedCheck } from '../health/catalogue.ts';
import { table } from '../terminal/table.ts';
import { type Arguments, type Command, type Context, flag, printJson, text } from './command.ts';

export const checksCommand: Command = {
  command: 'checks',
  describe: 'The questions of preflight: list, show, compile for admins',
  examples: [
    ['$0 checks list', 'Every check, ours and the site’s'],
    [
      '$0 checks compile --for healthcheck > /etc/slurm/healthcheck.sh',
      'One bash file for HealthCheckProgram',
    ],
  ],
  subcommands: [
    {
      command: 'list',
      describe: 'Every check, and what it asks',
      examples: [
        ['$0 checks list', 'As a table'],
        ['$0 checks list --json', 'For a script'],
      ],
      handler: list,
    },
    {
      command: 'show <check>',
      describe: 'The file of one check',
      examples: [
        ['$0 checks show shm', 'Rules and probe'],
        ['$0 checks show shm --probe | bash', 'Ask it here'],
      ],
      options: (parser) =>
        parser
          .positional('check', { type: 'string', describe: 'A check’s id' })
          .option('probe', { type: 'boolean', describe: 'The probe alone' }),
      handler: show,
    },
    {
      command: 'compile',
      describe: 'Checks and rules as one bash file that needs neither opsctl nor Node.js',
      examples: [
        [
          '$0 checks compile --for healthcheck',
          'For HealthCheckProgram: at most 50 s, exit code by severity',
        ],
        ['$0 checks compile --for prolog --only shm,gpu', 'For Prolog, two checks alone'],
      ],
      options: (parser) =>
        parser
          .option('for', {
            type: 'string',
            choices: ['gate', 'prolog', 'healthcheck'],
            demandOption: true,
            describe: 'Where it runs',
          })
          .option('only', { type: 'string', requiresArg: true, describe: 'These checks alone: ID,ID' }),
      handler: compile,
    },
  ],
};

async function list(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const { loadChecks } = await import('../health/catalogue.ts');
  const checks = await loadChecks(system);
  if (options.json) {
    printJson(
      terminal,
      checks.map(({ probe: _probe, ...rest }) => rest),
    );
    return EXIT.ok;
  }
  const rows = checks.map(({ id, scope, level, faults = [], question }) => [
    id,
    scope,
    level,
    faults.join(','),
    question,
  ]);
  for (const line of table([['CHECK', 'WHERE', 'FAULT OF', 'ROWS', 'ASKS'], ...rows])) terminal.out(line);
  return EXIT.ok;
}

async function show(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const check = (await pick(text(args, 'check') ?? '', system))[0];
  if (check === undefined) throw new UsageError('no check is named');
  if (options.json) printJson(terminal, check);
  else if (flag(args, 'probe')) terminal.out(`export LC_ALL=C\n${check.probe}`);
  else {
    const { readIfThere } = await import('../system/files.ts');
    terminal.out(((await readIfThere(check.path)) ?? '').trimEnd());
  }
  return EXIT.ok;
}

async function compile(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadChecks, pickChecks }, { withLimits }, { isStandalone, standalone }, { loadConfig }] =
    await Promise.all([
      import('../health/catalogue.ts'),
      import('../health/limits.ts'),
      import('../health/standalone.ts'),
      import('../config/load.ts'),
    ]);
  const purpose = text(args, 'for') as 'gate' | 'prolog' | 'healthcheck';
  const only = text(args, 'only');
  const { profile } = await loadConfig(system, options);
  const all = withLimits(await loadChecks(system), profile.limits);
  const checks =
    only === undefined
      ? all.filter((check) => isStandalone(check, purpose))
      : pickChecks(all, only.split(','));
  const program = standalone(checks, purpose);
  if (options.json)
    printJson(terminal, { for: purpose, checks: checks.map(({ id }) => id), script: program });
  else terminal.out(program.trimEnd());
  return EXIT.ok;
}

async function pick(ids: string, system: Context['system']): Promise<LoadedCheck[]> {
  const { loadChecks, pickChecks } = await import('../health/catalogue.ts');
  return pickChecks(await loadChecks(system), ids.split(','));
}
