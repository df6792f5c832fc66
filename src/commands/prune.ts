import { EXIT, UsageError } from '../errors.ts';
import type { PruneItem, Reason } from '../run/prune-plan.ts';
import { type Command, flag, printJson, text } from './command.ts';

const DEFAULT_KEEP = '3';
const DEFAULT_AGE = '60';

export const pruneCommand: Command = {
  command: 'prune <run>',
  describe: 'Delete checkpoints that a run no longer needs; shows them first',
  examples: [
    ['$0 prune last', 'what would be deleted, and why the rest is kept'],
    ['$0 prune last --keep 2 --apply', 'delete it'],
  ],
  options: (parser) =>
    parser
      .positional('run', { type: 'string', describe: 'A run, the beginning of its name, its job, or "last"' })
      .option('apply', { type: 'boolean', describe: 'Delete; without it nothing is changed' })
      .option('keep', {
        type: 'string',
        default: DEFAULT_KEEP,
        describe: 'How many of the newest complete ones stay, of each kind',
      })
      .option('min-age', {
        type: 'string',
        default: DEFAULT_AGE,
        describe: 'Leave what is younger, as Slurm writes times: minutes, or hours:minutes:seconds',
      }),
  handler: async (args, { system, terminal, options }) => {
    const [{ applyPrune, lookForPrune }, { findTargetRun }, { parseDuration }, { formatBytes }, { table }] =
      await Promise.all([
        import('../run/prune.ts'),
        import('../run/target.ts'),
        import('../slurm/duration.ts'),
        import('../terminal/bytes.ts'),
        import('../terminal/table.ts'),
      ]);
    const keep = Number(text(args, 'keep'));
    if (!Number.isSafeInteger(keep) || keep < 1)
      throw new UsageError(`--keep ${text(args, 'keep')} is no whole number from 1 on`);
    const age = parseDuration(text(args, 'min-age') ?? '');
    if (age === undefined)
      throw new UsageError(`--min-age ${text(args, 'min-age')} is no time`, 'Write 60 (minutes) or 2:00:00.');
    const manifest = await findTargetRun(system, text(args, 'run') ?? '');
    const plan = await lookForPrune(system, manifest, { keep, minAgeMs: age * 1000 });
    const isDeed = flag(args, 'apply');
    const results = isDeed ? await applyPrune(system, plan, manifest) : undefined;
    const items = results ?? plan.items.map((item) => ({ ...item, deleted: false, problem: null }));
    const failed = items.filter(({ action, deleted }) => isDeed && action === 'delete' && !deleted);
    if (options.json) {
      const shown = items.map(({ identity: _, ...item }) => item);
      printJson(terminal, { runId: plan.runId, directory: plan.directory, applied: isDeed, items: shown });
      return failed.length > 0 ? EXIT.failed : EXIT.ok;
    }
    const rows = items.map((item) => [verb(item, isDeed), item.name, formatBytes(item.bytes), why(item)]);
    terminal.out(plan.directory);
    for (const line of table(rows)) terminal.out(line);
    const gone = items.filter(({ action, deleted }) => (isDeed ? deleted : action === 'delete'));
    const bytes = formatBytes(gone.reduce((sum, item) => sum + item.bytes, 0));
    terminal.out(
      isDeed ? `deleted ${gone.length}, ${bytes}` : `would delete ${gone.length}, ${bytes}; --apply does it`,
    );
    return failed.length > 0 ? EXIT.failed : EXIT.ok;
  },
};

function verb({ action, deleted }: PruneItem & { deleted: boolean }, isDeed: boolean): string {
  if (action === 'keep') return 'keep';
  return isDeed ? (deleted ? 'deleted' : 'left') : 'delete';
}

function why({ reason, problem }: PruneItem & { problem: string | null }): string {
  return problem ?? (reason === null ? '' : WORDS[reason]);
}

const WORDS: Readonly<Record<Reason, string>> = {
  'newest-complete': 'the newest complete one: the run resumes from it',
  'among-newest': 'one of the newest',
  final: 'the end of a training',
  best: 'the best by its evaluation',
  'in-use': 'another run starts from it',
  'being-written': 'incomplete, and perhaps being written',
  young: 'younger than --min-age',
  link: 'a link: it leads elsewhere',
  'not-yours': 'something in it belongs to another user',
  'not-a-checkpoint': 'no checkpoint',
};
