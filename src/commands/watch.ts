import { type ExitCode, UsageError } from '../errors.ts';
import { type Arguments, type Command, type Context, flag, printJson, text } from './command.ts';

export const watchCommand: Command = {
  command: 'watch',
  describe: 'Look at your runs again and again: say what is wrong, and repair what the profile allows',
  examples: [
    ['$0 watch', 'Until Ctrl-C, a look every minute'],
    ['$0 watch --once --json', 'One look, for cron or a script'],
  ],
  options: (parser) =>
    parser
      .option('once', { type: 'boolean', describe: 'One look, then end' })
      .option('every', {
        type: 'string',
        default: '60s',
        requiresArg: true,
        describe: 'Time between two looks: 2s to 60m, an even part of a minute or an hour',
      })
      .epilogue(
        'Exit code of --once: 0 all is well, 1 a warning, 2 something critical, 75 Slurm did not answer or another watcher is at it.',
      ),
  handler: watch,
};

async function watch(args: Arguments, context: Context): Promise<ExitCode> {
  const { system, options } = context;
  const { loadConfig } = await import('../config/load.ts');
  const { profile } = await loadConfig(system, options);
  const choice = { config: options.config, profile: options.profile };
  if (!flag(args, 'once')) {
    const { watchOn } = await import('./watch-loop.ts');
    return watchOn(context, { profile, choice, pattern: patternOf(text(args, 'every') ?? '') });
  }
  const [{ takeWatch }, { ask }] = await Promise.all([
    import('../watch/lease.ts'),
    import('../watch/ask.ts'),
  ]);
  const lease = await takeWatch(system);
  try {
    // While Slurm is at it, what its answer is for is read in.
    const [asked, { tick }, { showTick, exitCodeOf }, { documentOf }] = await Promise.all([
      ask(system, profile),
      import('../watch/tick.ts'),
      import('./watch-text.ts'),
      import('../watch/document.ts'),
    ]);
    const result = await tick(system, { profile, choice, lease }, asked);
    if (options.json) printJson(context.terminal, documentOf(result));
    else showTick(context.terminal, result);
    return exitCodeOf(result);
  } finally {
    await lease.release();
  }
}

const LEAST_S = 2;

/** `--every` as a pattern of cron: looks at even times, so that two watchers on two nodes look at the same ones. */
export function patternOf(every: string): string {
  const match = /^(\d{1,4})(s|m)?$/.exec(every);
  const seconds = Number(match?.[1]) * (match?.[2] === 'm' ? 60 : 1);
  const bad = new UsageError(
    `--every ${every} is no time that can be kept`,
    'Write 10s, 30s, 1m, 5m or 30m.',
  );
  if (!match || seconds < LEAST_S) throw bad;
  if (seconds < 60 && 60 % seconds === 0) return `*/${seconds} * * * * *`;
  const minutes = seconds / 60;
  if (minutes === 60) return '0 0 * * * *';
  if (Number.isInteger(minutes) && minutes >= 1 && 60 % minutes === 0) return `0 */${minutes} * * * *`;
  throw bad;
}
