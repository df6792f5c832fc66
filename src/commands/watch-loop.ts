import type { ConfigChoice } from '../config/load.ts';
import type { Profile } from '../config/schema.ts';
import { EXIT, type ExitCode, OpsError } from '../errors.ts';
import { errorCode } from '../system/files.ts';
import type { Lease } from '../system/lease.ts';
import { schedule } from '../system/schedule.ts';
import { printable } from '../terminal/terminal.ts';
import { ask } from '../watch/ask.ts';
import { documentOf } from '../watch/document.ts';
import { takeWatch } from '../watch/lease.ts';
import { tick } from '../watch/tick.ts';
import type { Context } from './command.ts';
import { type Shown, showTick } from './watch-text.ts';

export interface WatchOptions {
  readonly profile: Profile;
  readonly choice: ConfigChoice;
  readonly pattern: string;
}

/**
 * Looks until a signal comes. Of several watchers on the same state one acts: the others stand by, and one of them goes
 * on when the first is gone.
 */
export async function watchOn(context: Context, options: WatchOptions): Promise<ExitCode> {
  const { system, terminal } = context;
  let lease: Lease | undefined;
  let standsBy = false;
  let shown: Shown = new Map();
  const turn = async (): Promise<void> => {
    if (lease !== undefined && !(await lease.holds())) {
      await lease.release();
      lease = undefined;
    }
    try {
      lease ??= await takeWatch(system);
      standsBy = false;
      const result = await tick(system, { ...options, lease }, await ask(system, options.profile));
      if (context.options.json) terminal.out(JSON.stringify(documentOf(result)));
      else shown = showTick(terminal, result, shown);
    } catch (error) {
      if (!passes(error)) throw error;
      if (lease !== undefined || !standsBy) terminal.warn(printable(error.message));
      standsBy = lease === undefined;
    }
  };
  try {
    await turn();
    return await new Promise<ExitCode>((resolve, reject) => {
      const stop = (outcome: () => void) => {
        stopSchedule();
        outcome();
      };
      const { stop: stopSchedule } = schedule(options.pattern, turn, (error) => stop(() => reject(error)));
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => stop(() => resolve(EXIT.cancelled)));
    });
  } finally {
    await lease?.release();
  }
}

/** What somebody else puts right while the watch goes on: a disk that is full, a file server that is away. */
const PASSING: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'ETIMEDOUT']);

/** Slurm that does not answer or another who is at it passes; what is wrong for good ends the watch. */
export function passes(error: unknown): error is OpsError {
  if (!(error instanceof OpsError)) return false;
  return error.exitCode === EXIT.tryAgain || PASSING.has(errorCode(error.cause));
}
