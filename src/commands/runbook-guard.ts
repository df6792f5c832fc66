import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import { type Arguments, type Command, type Context, flag, printJson, text } from './command.ts';

/** What automation is held by, and a person sees and changes: nodes that are excluded, and the breaker. */
export const guardCommands: readonly Command[] = [
  {
    command: 'exclude <nodes>',
    describe: 'Keep nodes out of your later jobs for a while',
    examples: [
      ['$0 runbook exclude gnode07', 'For as long as the profile says'],
      ['$0 runbook exclude gnode[07-08] --for 2d --reason "slow links"', 'For two days, and why'],
    ],
    options: (parser) =>
      parser
        .positional('nodes', { type: 'string', describe: 'Nodes, as Slurm writes them' })
        .option('for', {
          type: 'string',
          requiresArg: true,
          describe: 'How long: 90m, 2h, 1d12h, or as Slurm writes times',
        })
        .option('reason', { type: 'string', requiresArg: true, describe: 'Why, in one line' }),
    handler: exclude,
  },
  {
    command: 'include <nodes>',
    describe: 'Let your later jobs use nodes again that were excluded',
    examples: [
      ['$0 runbook include gnode07', 'One node'],
      ['$0 runbook include gnode[07-08] --json', 'Two, and which of them were excluded'],
    ],
    options: (parser) =>
      parser.positional('nodes', { type: 'string', describe: 'Nodes, as Slurm writes them' }),
    handler: include,
  },
  {
    command: 'exclusions',
    describe: 'Nodes that your jobs keep away from, since when, until when and why',
    examples: [
      ['$0 runbook exclusions', 'As a table'],
      ['$0 runbook exclusions --json', 'For a script'],
    ],
    handler: list,
  },
  {
    command: 'breaker',
    describe: 'Whether all automation is stopped because too much happened at once',
    examples: [
      ['$0 runbook breaker', 'Is it open, and why'],
      ['$0 runbook breaker --reset', 'Close it: automation goes on, and what happened before counts no more'],
    ],
    options: (parser) => parser.option('reset', { type: 'boolean', describe: 'Close it' }),
    handler: breaker,
  },
];

async function exclude(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadConfig }, { namedNodes }, { parseSpan }, { addExclusions }, { withJournal }, { currentUser }] =
    await Promise.all([
      import('../config/load.ts'),
      import('./named-nodes.ts'),
      import('../alert/span.ts'),
      import('../remedy/exclusion.ts'),
      import('../remedy/journal.ts'),
      import('../system/system.ts'),
    ]);
  const { profile } = await loadConfig(system, options);
  const asked = text(args, 'for') ?? profile.automation.exclude_for;
  const forMs = parseSpan(asked);
  if (forMs === undefined)
    throw new UsageError(`--for ${asked} is no time`, 'Write 90m, 2h, 1d12h, 12:00:00 or 2-00:00:00.');
  if (forMs > LONGEST_MS)
    throw new UsageError(`--for ${asked} is longer than a year`, 'An exclusion has to end.');
  const nodes = await namedNodes(system, text(args, 'nodes') ?? '');
  if (nodes.length === 0) throw new UsageError('no node is named');
  const reason = (text(args, 'reason') ?? 'asked for by hand').replace(/[\u0000-\u001f\u007f]+/g, ' ');
  const now = system.now();
  const expires = new Date(now.getTime() + forMs).toISOString();
  const common = { owner: currentUser(), reason, since: now.toISOString(), expires, runId: null };
  const added = nodes.map((node) => ({ node, ...common }));
  await withJournal(system, () => addExclusions(system, added));
  if (options.json) printJson(terminal, added);
  else terminal.out(`no later job of yours starts on ${nodes.join(', ')} before ${expires}`);
  return EXIT.ok;
}

const LONGEST_MS = 366 * 86_400_000;

async function include(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ expandHostlist }, { removeExclusions }, { withJournal }] = await Promise.all([
    import('../slurm/hostlist.ts'),
    import('../remedy/exclusion.ts'),
    import('../remedy/journal.ts'),
  ]);
  const nodes = expandHostlist(text(args, 'nodes') ?? '');
  const removed = await withJournal(system, () => removeExclusions(system, nodes));
  if (options.json) printJson(terminal, { removed });
  else
    terminal.out(
      removed.length > 0 ? `${removed.join(', ')}: not excluded any more` : 'none of them was excluded',
    );
  return EXIT.ok;
}

async function list(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ liveExclusions }, { missingNodes }, { table }, { printable }] = await Promise.all([
    import('../run/exclusions.ts'),
    import('../slurm/sinfo.ts'),
    import('../terminal/table.ts'),
    import('../terminal/terminal.ts'),
  ]);
  const live = liveExclusions(system);
  if (options.json) printJson(terminal, live);
  else if (live.length === 0) terminal.out('no node is excluded');
  else {
    const rows = live.map(({ node, expires, owner, runId, reason }) => [
      node,
      expires,
      owner,
      runId ?? '',
      printable(reason),
    ]);
    for (const line of table([['NODE', 'UNTIL', 'BY', 'RUN', 'WHY'], ...rows])) terminal.out(line);
    const missing = await missingNodes(
      system,
      live.map(({ node }) => node),
    );
    if (missing.length > 0)
      terminal.warn(
        `Slurm does not know ${missing.join(', ')} any more and refuses every job that is to stay away from it: opsctl runbook include ${missing.join(',')}`,
      );
  }
  return EXIT.ok;
}

async function breaker(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadConfig }, { breakerOf }, { noteOf, readJournal, withJournal, writeEntry }] = await Promise.all(
    [import('../config/load.ts'), import('../remedy/breaker.ts'), import('../remedy/journal.ts')],
  );
  const { profile } = await loadConfig(system, options);
  if (flag(args, 'reset')) {
    const note = noteOf(system, 'breaker-closed', { runId: null, fault: null, reason: 'closed by a person' });
    await withJournal(system, () => writeEntry(system, note));
  }
  const state = breakerOf(await readJournal(system), profile.automation, null, system.now());
  if (options.json) printJson(terminal, { open: state.open, why: state.why });
  else if (state.open) terminal.out(`open: ${state.why}. "opsctl runbook breaker --reset" closes it.`);
  else terminal.out('closed: automation may act');
  return state.open ? EXIT.failed : EXIT.ok;
}
