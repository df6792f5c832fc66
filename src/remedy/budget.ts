import { type ActEntry, type Entry, isAct } from './entry.ts';

/** Restarts of one run for one cause without a newer checkpoint, before a person has to look. */
export const MAX_RESTARTS = 3;
/** Seconds to wait before the first, second and third of them when no person is there. */
const BACKOFF_S = [60, 300, 900];

export type Budget =
  | { readonly verdict: 'go'; readonly used: number }
  | { readonly verdict: 'wait'; readonly used: number; readonly until: Date }
  | { readonly verdict: 'exhausted'; readonly used: number; readonly saidBefore: boolean };

interface Case {
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly fault: string | null;
}

/**
 * Whether a run may be restarted for a cause once more. Restarts count as long as no newer checkpoint came after them.
 * What may have been done counts as done.
 * @param newestStep step of the run's newest checkpoint, null for none.
 * @param since the moment from which the first wait counts: when the attempt ended.
 */
export function budgetOf(
  history: readonly Entry[],
  of: Case,
  newestStep: number | null,
  since: Date,
  now: Date,
): Budget {
  const mine = history.filter((entry) => isSame(entry, of));
  const idle = mine
    .filter(isAct)
    .filter(isRestart)
    .filter(({ checkpointStep }) => (checkpointStep ?? -1) >= (newestStep ?? -1));
  const used = idle.length;
  if (used >= MAX_RESTARTS) {
    const last = Math.max(...idle.map(({ at }) => Date.parse(at)));
    const saidBefore = mine.some((entry) => entry.kind === 'exhausted' && Date.parse(entry.at) >= last);
    return { verdict: 'exhausted', used, saidBefore };
  }
  const from = Math.max(since.getTime(), ...idle.map(({ at }) => Date.parse(at)));
  const until = new Date(from + (BACKOFF_S[used] ?? 0) * 1000);
  return until > now ? { verdict: 'wait', used, until } : { verdict: 'go', used };
}

function isSame(entry: Entry, { runId, jobId, fault }: Case): boolean {
  if (entry.fault !== fault) return false;
  if (runId !== null) return entry.runId === runId;
  return isAct(entry) && entry.runId === null && entry.jobId === jobId;
}

const RESTARTS: ReadonlySet<string> = new Set(['requeue', 'resubmit', 'raise-limit']);

function isRestart({ action, outcome }: ActEntry): boolean {
  return RESTARTS.has(action) && outcome?.result !== 'not-done';
}
