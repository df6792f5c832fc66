import type { NotifyConfig } from '../config/notify-schema.ts';
import type { Lease } from '../system/lease.ts';
import type { System } from '../system/system.ts';
import { afterAttempt, isDue, MAX_AGE_MS, tooMuch } from './next.ts';
import {
  type Done,
  doneEntries,
  type Entry,
  finish,
  markTold,
  type Outbox,
  pendingEntries,
  save,
  sweep,
} from './outbox.ts';
import { send } from './send.ts';

/** A look at the cluster is not held up for longer by servers that do not answer. */
const BUDGET_MS = 90_000;

/** What became of one copy in this pass. */
export interface Delivery {
  readonly id: string;
  readonly receiver: string;
  readonly address: string | null;
  readonly status: 'sent' | 'waiting' | 'dropped';
  readonly detail: string;
  /** The server was asked in this pass, and did not take it. */
  readonly failed: boolean;
}

/** What a pass over the outbox works with. */
interface Pass {
  readonly system: System;
  readonly outbox: Outbox;
  readonly notify: NotifyConfig;
  readonly lease: Lease;
  readonly began: Date;
}

/**
 * Sends what is due, each receiver's in order. What cannot be sent stays; after a failure the rest for the same
 * destination waits too, so that a dead server costs one attempt. Needs the lease on the alerts' directory.
 */
export async function flush(
  system: System,
  outbox: Outbox,
  notify: NotifyConfig,
  lease: Lease,
): Promise<Delivery[]> {
  const pass: Pass = { system, outbox, notify, lease, began: system.now() };
  await sweep(outbox, new Date(pass.began.getTime() - 2 * MAX_AGE_MS));
  const all = await pendingEntries(outbox);
  const given = tooMuch(all, pass.began);
  const dropped: Delivery[] = [];
  for (const [entry, detail] of given) dropped.push(await drop(pass, entry, detail));
  const untold = (await doneEntries(outbox)).filter((done) => done.untold === true);
  const queues = queued(all.filter((entry) => !given.has(entry)));
  const work = queues.map((queue) => inOrder(pass, queue, untold));
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return [...dropped, ...results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))];
}

/** One queue for each destination. */
function queued(entries: readonly Entry[]): Entry[][] {
  const queues = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = `${entry.receiver} ${entry.address ?? ''}`;
    const queue = queues.get(key);
    if (queue) queue.push(entry);
    else queues.set(key, [entry]);
  }
  return [...queues.values()];
}

async function inOrder(pass: Pass, queue: readonly Entry[], dropped: readonly Done[]): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const [first] = queue;
  let untold = dropped.filter(
    ({ receiver, address }) => receiver === first?.receiver && address === first.address,
  );
  for (const [index, entry] of queue.entries()) {
    const now = pass.system.now();
    const isLate = now.getTime() - pass.began.getTime() > BUDGET_MS;
    const delivery =
      isLate || !isDue(entry, now)
        ? report(entry, 'waiting', entry.lastDetail ?? 'not yet')
        : await attempt(pass, entry, untold);
    deliveries.push(delivery);
    if (delivery.status === 'sent') untold = [];
    if (delivery.status !== 'waiting') continue;
    const rest = queue.slice(index + 1);
    return [...deliveries, ...rest.map((next) => report(next, 'waiting', 'behind an earlier one'))];
  }
  return deliveries;
}

/**
 * The intent is on disk before the first byte goes out, the outcome after the last one. An attempt that was cut off is
 * made again with the same Message-ID: the server may have taken it, and nobody can know.
 */
async function attempt(pass: Pass, entry: Entry, untold: readonly Done[]): Promise<Delivery> {
  const { system, outbox, notify, lease } = pass;
  await lease.renew();
  const started: Entry = {
    ...entry,
    attempts: entry.attempts + 1,
    interrupted: entry.interrupted + (entry.startedAt === null ? 0 : 1),
    startedAt: system.now().toISOString(),
  };
  await save(outbox, started);
  const outcome = await send(notify, entry, entry.message, untold.length, system.now());
  const next = afterAttempt(started, outcome, system.now());
  if (next.kind === 'again') {
    await save(outbox, next.entry);
    return { ...report(entry, 'waiting', outcome.detail), failed: true };
  }
  if (next.kind === 'dropped') return drop(pass, started, next.detail);
  await finish(outbox, started, { at: system.now().toISOString(), status: 'sent', detail: next.detail });
  await markTold(outbox, untold);
  return report(entry, 'sent', next.detail);
}

async function drop({ system, outbox }: Pass, entry: Entry, detail: string): Promise<Delivery> {
  const at = system.now().toISOString();
  await finish(outbox, entry, { at, status: 'dropped', detail, untold: true });
  return report(entry, 'dropped', detail);
}

function report(entry: Entry, status: Delivery['status'], detail: string): Delivery {
  return {
    id: entry.message.id,
    receiver: entry.receiver,
    address: entry.address,
    status,
    detail,
    failed: false,
  };
}
