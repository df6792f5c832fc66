import { userInfo } from 'node:os';
import { alertId, digest } from '../alert/alert.ts';
import type { Message } from '../alert/message.ts';
import type { NotifyConfig } from '../config/notify-schema.ts';
import { type System, shortHostname } from '../system/system.ts';
import type { Outcome } from './outcome.ts';
import { type Destination, destinationsOf, send } from './send.ts';

/** What a test of one destination came to. */
export interface Tested extends Destination {
  readonly kind: string;
  readonly status: Outcome['status'];
  readonly detail: string;
  readonly seconds: number;
}

/** A message as an alert makes one, marked as a test. */
export function testMessage(now: Date, by: string): Message {
  const at = now.toISOString();
  const thread = digest(`test ${by} ${at}`);
  const alert = {
    id: alertId('test', by),
    fault: 'test',
    severity: 'info' as const,
    summary: `opsctl notify test, typed by ${by}`,
    runs: [],
    nodes: [],
    since: at,
    evidence: [{ file: null, line: null, text: 'Evidence of an alert stands here, with its file and line.' }],
    command: 'opsctl notify test --help',
  };
  const id = `${thread}-1`;
  return {
    id,
    thread,
    reason: 'test',
    fault: 'test',
    severity: 'info',
    at,
    since: at,
    alerts: [alert],
    cleared: [],
  };
}

/** Sends a test to each destination of these receivers, at once and past the outbox: what happens is what is said. */
export async function testReceivers(
  system: Pick<System, 'now'>,
  notify: NotifyConfig,
  receivers: readonly string[],
): Promise<Tested[]> {
  const message = testMessage(system.now(), `${userInfo().username}@${shortHostname()}`);
  const destinations = receivers.flatMap((receiver) => destinationsOf(notify, receiver));
  return Promise.all(
    destinations.map(async (destination) => {
      const start = performance.now();
      const { status, detail } = await send(notify, destination, message, 0, system.now());
      const seconds = Math.round((performance.now() - start) / 10) / 100;
      const kind = notify.receivers[destination.receiver]?.kind ?? '';
      return { ...destination, kind, status, detail, seconds };
    }),
  );
}
