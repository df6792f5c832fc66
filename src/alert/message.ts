import { type Alert, type Severity, worst } from './alert.ts';
import type { GroupRecord, SendReason } from './group.ts';

/** What is told, before anybody knows how: plain data, the same for every receiver. */
export interface Message {
  /** The same when it is made again after a crash: `THREAD-NUMBER`. */
  readonly id: string;
  /** Of the episode: its first message is `THREAD-1`. */
  readonly thread: string;
  readonly reason: SendReason | 'test';
  readonly fault: string;
  /** The worst of what fires; of the whole episode when it is over. */
  readonly severity: Severity;
  /** When it was decided, and since when there is something to tell. ISO 8601. */
  readonly at: string;
  readonly since: string;
  /** What fires, worst and oldest first. */
  readonly alerts: readonly Alert[];
  /** What is over of what was told before. */
  readonly cleared: readonly Alert[];
}

/** A message is a file for each address, so it must not grow with the cluster. */
const FULL_ALERTS = 20;

export function messageOf(
  record: GroupRecord,
  reason: SendReason,
  alerts: readonly Alert[],
  cleared: readonly Alert[],
  now: Date,
): Message {
  const all = [...alerts, ...cleared];
  const severity = worst(alerts.map((alert) => alert.severity));
  return {
    id: `${record.thread}-${record.count + 1}`,
    thread: record.thread,
    reason,
    fault: all[0]?.fault ?? record.key,
    severity: alerts.length === 0 ? (record.told?.peak ?? severity) : severity,
    at: now.toISOString(),
    since: all.map(({ since }) => since).sort()[0] ?? now.toISOString(),
    alerts: [...alerts].sort(bySeverityThenAge).map(withinReason),
    cleared: [...cleared].sort(bySeverityThenAge),
  };
}

/** Of ten thousand alerts the names are told; evidence of the first ones is all that anybody reads. */
function withinReason(alert: Alert, index: number): Alert {
  return index < FULL_ALERTS ? alert : { ...alert, evidence: [], command: null };
}

function bySeverityThenAge(one: Alert, two: Alert): number {
  if (one.severity !== two.severity) return worst([one.severity, two.severity]) === one.severity ? -1 : 1;
  return one.since < two.since ? -1 : one.since > two.since ? 1 : one.id < two.id ? -1 : 1;
}

/** Names of all alerts, each once, in their order. */
export function namesOf(alerts: readonly Alert[], kind: 'runs' | 'nodes'): string[] {
  return [...new Set(alerts.flatMap((alert) => alert[kind]))];
}
