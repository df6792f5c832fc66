import type { Entry } from './outbox.ts';
import type { Outcome } from './outcome.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FIRST_PAUSE_MS = MINUTE_MS / 2;
const LONGEST_PAUSE_MS = HOUR_MS;
const SETUP_PAUSE_MS = 10 * MINUTE_MS;

/** A message that could not be sent for this long is no news any more. */
export const MAX_AGE_MS = 72 * HOUR_MS;
/** Copies that wait at most: a server that is gone for a week must not fill a home directory. */
export const MAX_PENDING = 1000;

/** What becomes of a copy after an attempt. */
export type Next =
  | { readonly kind: 'sent' | 'dropped'; readonly detail: string }
  | { readonly kind: 'again'; readonly entry: Entry };

/** Pure. `entry` is as it was when the attempt began, with that attempt counted. */
export function afterAttempt(entry: Entry, outcome: Outcome, now: Date): Next {
  if (outcome.status === 'sent') return { kind: 'sent', detail: outcome.detail };
  if (outcome.status === 'refused') return { kind: 'dropped', detail: `refused: ${outcome.detail}` };
  const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(20, entry.attempts - 1));
  const pauseMs = Math.max(grown, outcome.waitMs ?? 0, outcome.status === 'setup' ? SETUP_PAUSE_MS : 0);
  const nextAt = new Date(now.getTime() + pauseMs).toISOString();
  return { kind: 'again', entry: { ...entry, startedAt: null, nextAt, lastDetail: outcome.detail } };
}

/** Copies that are given up now, each with the reason: too old, or too many; repeats and mild ones go first. */
export function tooMuch(entries: readonly Entry[], now: Date): ReadonlyMap<Entry, string> {
  const dropped = new Map<Entry, string>();
  for (const entry of entries) {
    if (now.getTime() - Date.parse(entry.message.at) > MAX_AGE_MS)
      dropped.set(
        entry,
        `not delivered within ${MAX_AGE_MS / HOUR_MS} hours: ${entry.lastDetail ?? 'never tried'}`,
      );
  }
  const left = entries.filter((entry) => !dropped.has(entry));
  const surplus = Math.max(0, left.length - MAX_PENDING);
  const byWorth = [...left].sort((one, two) => worth(one) - worth(two));
  for (const entry of byWorth.slice(0, surplus))
    dropped.set(entry, `more than ${MAX_PENDING} messages were waiting`);
  return dropped;
}

function worth({ message }: Entry): number {
  const severity = { info: 0, warning: 1, critical: 2 }[message.severity];
  return severity + (message.reason === 'repeat' ? 0 : 3);
}

/** Whether a repeat says nothing that a copy which still waits does not say. */
export function isRedundant(reason: Entry['message']['reason'], waiting: boolean): boolean {
  return reason === 'repeat' && waiting;
}

/** Whether it is time for the next attempt. */
export function isDue({ nextAt }: Entry, now: Date): boolean {
  return nextAt === null || Date.parse(nextAt) <= now.getTime();
}
