import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import { type Arguments, type Command, type Context, flag, printJson, text, texts } from './command.ts';

export const cronCommand: Command = {
  command: 'cron',
  describe: 'Let the watcher look regularly: from scrontab, crontab or a systemd timer',
  examples: [
    ['$0 cron install', 'every 5 minutes, from the best that this cluster has'],
    ['$0 cron status', 'where it is installed and when it looked last'],
  ],
  subcommands: [
    {
      command: 'install',
      describe: 'Write the watcher into scrontab, else crontab, else a systemd user timer',
      examples: [
        ['$0 cron install --dry-run', 'what would be written, and where'],
        [
          '$0 cron install --every 10 --scron=--qos=cron',
          'every 10 minutes; an option that the site asks for',
        ],
      ],
      options: (parser) =>
        parser
          .option('every', { type: 'string', default: '5', describe: 'Minutes from one look to the next' })
          .option('with', { type: 'string', describe: 'scrontab, crontab or systemd instead of the best' })
          .option('scron', {
            type: 'string',
            array: true,
            describe: 'An option of the #SCRON lines; may be given several times',
          })
          .option('dry-run', { type: 'boolean', describe: 'Print what would be written, and write nothing' }),
      handler: install,
    },
    {
      command: 'remove',
      describe: 'Take the watcher out again; every other line stays',
      examples: [
        ['$0 cron remove', 'out of every scheduler of this machine'],
        ['$0 cron remove --json', 'for a script'],
      ],
      handler: remove,
    },
    {
      command: 'status',
      describe: 'Whether the watcher is installed, and when it looked last',
      examples: [
        ['$0 cron status', 'exit 0 when it looks, 1 when it does not, 3 when that cannot be told'],
        ['$0 cron status --json', 'for a script'],
      ],
      handler: status,
    },
  ],
};

async function install(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadConfig }, work, { EVERY, SCHEDULERS }, { planLines, installedLines }] = await Promise.all([
    import('../config/load.ts'),
    import('../cron/install.ts'),
    import('../cron/entry.ts'),
    import('./cron-text.ts'),
  ]);
  const every = EVERY.find((minutes) => String(minutes) === text(args, 'every'));
  if (every === undefined)
    throw new UsageError(
      `--every ${text(args, 'every')} is not one of the steps that divide an hour`,
      `Minutes: ${EVERY.join(', ')}`,
    );
  const wanted = text(args, 'with');
  const scheduler = SCHEDULERS.find((name) => name === wanted) ?? null;
  if (wanted !== undefined && scheduler === null)
    throw new UsageError(`--with ${wanted} is no scheduler`, `There are: ${SCHEDULERS.join(', ')}`);
  const { path } = await loadConfig(system, options);
  const plan = await work.planInstallation(system, {
    scheduler,
    every,
    scron: scronOptions(args),
    config: path,
    profile: options.profile ?? null,
  });
  if (flag(args, 'dry-run')) {
    if (options.json) printJson(terminal, { ...plan, applied: false });
    else for (const line of planLines(plan)) terminal.out(line);
    return EXIT.ok;
  }
  const installed = await work.install(system, plan);
  if (options.json) printJson(terminal, { ...plan, applied: true, ...installed });
  else for (const line of installedLines(plan, installed)) terminal.out(line);
  return EXIT.ok;
}

/** An option is a line of its own in the table: one with a line break would be a second line. */
function scronOptions(args: Arguments): string[] {
  const options = texts(args, 'scron');
  for (const option of options)
    if (!/^-[^\p{Cc}]+$/u.test(option))
      throw new UsageError(
        `--scron ${JSON.stringify(option)} is no option of sbatch`,
        'Write it with "=", such as --scron=--qos=cron or --scron="-A project".',
      );
  return options;
}

async function remove(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [work, { printable }] = await Promise.all([
    import('../cron/remove.ts'),
    import('../terminal/terminal.ts'),
  ]);
  const removed = await work.remove(system);
  if (options.json) printJson(terminal, removed);
  else {
    for (const scheduler of removed.from)
      terminal.out(`The watcher is not started from ${scheduler} any more.`);
    if (removed.from.length === 0 && removed.left.length === 0)
      terminal.note('The watcher was not installed.');
  }
  for (const where of removed.left) terminal.warn(`It may still be in ${printable(where)}`);
  return removed.left.length === 0 ? EXIT.ok : EXIT.failed;
}

async function status(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadConfig }, work, { statusLines }] = await Promise.all([
    import('../config/load.ts'),
    import('../cron/status.ts'),
    import('./cron-text.ts'),
  ]);
  const { profile } = await loadConfig(system, options);
  const found = await work.cronStatus(system, profile.notify?.heartbeat?.file ?? null);
  if (options.json) printJson(terminal, found);
  else for (const line of statusLines(found, terminal.style)) terminal.out(line);
  if (found.state === 'unknown') return EXIT.unknown;
  return ['looking', 'waiting', 'elsewhere'].includes(found.state) ? EXIT.ok : EXIT.failed;
}
