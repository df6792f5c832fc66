import { reaches, type Seen } from '../alert/alert.ts';
import { type AlertState, type Decision, decide } from '../alert/decide.ts';
import type { Message } from '../alert/message.ts';
import { policyOf } from '../alert/policy.ts';
import { openAlerts, readKept, readSilences, sweepKept, writeKept } from '../alert/store.ts';
import type { NotifyConfig } from '../config/notify-schema.ts';
import type { Profile } from '../config/schema.ts';
import { takeLease } from '../system/lease.ts';
import type { System } from '../system/system.ts';
import { type Delivery, flush } from './flush.ts';
import { isRedundant } from './next.ts';
import { type Entry, type Outbox, openOutbox, pendingEntries, put } from './outbox.ts';
import { destinationsOf } from './send.ts';

/** What came of one look: every group with its reason, and every copy with what became of it. */
export interface Told {
  readonly decisions: readonly Decision[];
  readonly deliveries: readonly Delivery[];
}

/**
 * Everything that alerting does after a look at the cluster: decides, writes down, sends. To be called after every look,
 * also when nothing was seen: that is how alerts are resolved and what waits is sent.
 *
 * State and messages reach the disk as one file, then the outbox, then the servers. Killed at any point, the next call
 * goes on where this one stopped.
 * @throws OpsError 75 when another process is at it, and when the state directory is not to be trusted.
 */
export async function tell(
  system: System,
  seen: Seen,
  { alerts, notify }: Pick<Profile, 'alerts' | 'notify'>,
): Promise<Told> {
  const directory = await openAlerts(system);
  const lease = await takeLease(system, directory, 'is sending alerts');
  try {
    await sweepKept(directory);
    const outbox = await openOutbox(directory);
    const kept = await readKept(directory);
    if (notify !== null) await enqueue(outbox, notify, kept.outgoing);
    const now = system.now();
    const silences = await readSilences(directory, now);
    const { next, decisions } = decide(kept.state, seen, silences, policyOf(alerts), now);
    // Where nobody is to be told, what is known is kept all the same: `opsctl watch` prints it. Whoever is added later is told.
    if (notify === null) {
      await writeKept(directory, { state: untold(next, kept.state), outgoing: [] });
      return { decisions, deliveries: [] };
    }
    const outgoing = decisions.flatMap(({ message }) => (message === null ? [] : [message]));
    await writeKept(directory, { state: next, outgoing });
    if (outgoing.length > 0) {
      await enqueue(outbox, notify, outgoing);
      await writeKept(directory, { state: next, outgoing: [] });
    }
    return { decisions, deliveries: await flush(system, outbox, notify, lease) };
  } finally {
    await lease.release();
  }
}

/** What is known now, with those groups told that were told before. */
function untold(next: AlertState, before: AlertState): AlertState {
  const told = new Map(before.groups.map((record) => [record.key, record]));
  const groups = next.groups.map((record) => told.get(record.key) ?? { ...record, count: 0, told: null });
  return { ...next, groups };
}

/** One copy for each destination whose receiver wants messages of this severity. */
async function enqueue(outbox: Outbox, notify: NotifyConfig, messages: readonly Message[]): Promise<void> {
  const waiting = messages.length > 0 ? await pendingEntries(outbox) : [];
  for (const message of messages) {
    for (const [receiver, { severity }] of Object.entries(notify.receivers)) {
      if (!reaches(message.severity, severity)) continue;
      for (const destination of destinationsOf(notify, receiver)) {
        const isWaiting = waiting.some((entry) => isSame(entry, destination, message));
        if (!isRedundant(message.reason, isWaiting)) await put(outbox, destination, message);
      }
    }
  }
}

function isSame(
  entry: Entry,
  to: { receiver: string; address: string | null },
  { thread }: Message,
): boolean {
  return entry.receiver === to.receiver && entry.address === to.address && entry.message.thread === thread;
}
