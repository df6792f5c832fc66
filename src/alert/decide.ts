import { type Alert, digest, type Seen, worst } from './alert.ts';
import { type GroupRecord, isSent, type Reason, whyTell } from './group.ts';
import { type Message, messageOf } from './message.ts';
import { tidy } from './plain.ts';
import { type AlertPolicy, isQuiet } from './policy.ts';
import { type Silence, silencedBy } from './silence.ts';

/** An alert that was seen, until the end of its group has been told. */
export interface KnownAlert extends Alert {
  readonly state: 'firing' | 'resolved';
  /** Since when it is not seen any more; null while it is. */
  readonly goneSince: string | null;
}

/** What alerting knows between two looks. */
export interface AlertState {
  readonly alerts: readonly KnownAlert[];
  readonly groups: readonly GroupRecord[];
}

export const NOTHING_KNOWN: AlertState = { alerts: [], groups: [] };

/** What becomes of one group now. */
export interface Decision {
  /** The fault, or the alert's id where alerts are not grouped. */
  readonly group: string;
  readonly reason: Reason;
  /** Ids of the alerts that a silence holds back. */
  readonly silenced: readonly string[];
  /** Null where nothing is sent. */
  readonly message: Message | null;
}

export interface Decided {
  readonly next: AlertState;
  readonly decisions: readonly Decision[];
}

/**
 * What is told of a look at the cluster, and what is known after it. Pure: the same input gives the same messages with
 * the same ids, so a watcher that died in between says nothing new when it starts again.
 */
export function decide(
  known: AlertState,
  seen: Seen,
  silences: readonly Silence[],
  policy: AlertPolicy,
  now: Date,
): Decided {
  const alerts = merged(known.alerts, seen, policy, now);
  const endTold = new Set(known.alerts.filter(isOver).map(({ id }) => id));
  const records = new Map(known.groups.map((record) => [record.key, record]));
  const results = [...grouped(alerts, policy)].map(([key, members]) => {
    const record = records.get(key) ?? newRecord(key, now);
    const told = new Set(record.told?.ids);
    // The end of what nobody was told of is no news.
    const kept = members.filter(({ id, state }) => state === 'firing' || endTold.has(id) || told.has(id));
    return resultOf(record, kept, silences, policy, now);
  });
  return {
    next: {
      alerts: results.flatMap(({ members }) => members),
      groups: results.flatMap(({ record }) => (record === null ? [] : [record])),
    },
    decisions: results.map(({ decision }) => decision),
  };
}

interface GroupResult {
  readonly record: GroupRecord | null;
  readonly members: readonly KnownAlert[];
  readonly decision: Decision;
}

function resultOf(
  record: GroupRecord,
  members: readonly KnownAlert[],
  silences: readonly Silence[],
  policy: AlertPolicy,
  now: Date,
): GroupResult {
  const firing = members.filter((alert) => !isOver(alert));
  const silenced = new Set(firing.filter((alert) => silencedBy(alert, silences, now) !== undefined));
  const audible = firing.filter((alert) => !silenced.has(alert));
  const why = whyTell(record, firing, audible, policy, now);
  const message = isSent(why) ? messageOf(record, why, audible, members.filter(isOver), now) : null;
  const isHeld = message !== null && isQuiet(policy, message.severity, now);
  const decision: Decision = {
    group: record.key,
    reason: isHeld ? 'quiet' : why,
    silenced: [...silenced].map(({ id }) => id),
    message: isHeld ? null : message,
  };
  if (decision.reason === 'resolved' || decision.reason === 'unnoticed')
    return { record: null, members: [], decision };
  const next = decision.message === null ? forgetting(record, firing) : telling(record, decision.message);
  return { record: next, members: decision.message === null ? members : firing, decision };
}

/** What is over is told as new when it comes back. */
function forgetting(record: GroupRecord, firing: readonly Alert[]): GroupRecord {
  if (record.told === null) return record;
  const left = new Set(firing.map(({ id }) => id));
  const ids = record.told.ids.filter((id) => left.has(id));
  return { ...record, told: { ...record.told, ids } };
}

function telling(record: GroupRecord, { at, severity, alerts }: Message): GroupRecord {
  const peak = worst([severity, record.told?.peak ?? severity]);
  const told = { at, ids: alerts.map(({ id }) => id), severity, peak };
  return { ...record, count: record.count + 1, told };
}

function newRecord(key: string, now: Date): GroupRecord {
  return { key, thread: digest(`${key}\0${now.toISOString()}`), count: 0, told: null };
}

/** What was known with what was seen: the first `since` lasts, and what is not seen is over only after a while. */
function merged(
  known: readonly KnownAlert[],
  seen: Seen,
  policy: AlertPolicy,
  now: Date,
): readonly KnownAlert[] {
  const before = new Map(known.map((alert) => [alert.id, alert]));
  const current = new Map(seen.alerts.map((alert) => [alert.id, tidy(alert)]));
  const firing = [...current.values()].map((alert): KnownAlert => {
    const old = before.get(alert.id);
    const since = old?.state === 'firing' && old.since < alert.since ? old.since : alert.since;
    return { ...alert, since, state: 'firing', goneSince: null };
  });
  const isBlind = ({ fault }: Alert): boolean => seen.blind === 'all' || seen.blind.includes(fault);
  const unseen = known
    .filter(({ id }) => !current.has(id))
    .map((alert): KnownAlert => {
      if (isOver(alert) || isBlind(alert)) return alert;
      const goneSince = alert.goneSince ?? now.toISOString();
      const isGone = now.getTime() - Date.parse(goneSince) >= policy.resolveAfterMs;
      return isGone ? { ...alert, goneSince, state: 'resolved', evidence: [] } : { ...alert, goneSince };
    });
  return [...firing, ...unseen];
}

function grouped(alerts: readonly KnownAlert[], { groupBy }: AlertPolicy): Map<string, KnownAlert[]> {
  const groups = new Map<string, KnownAlert[]>();
  for (const alert of alerts) {
    const key = groupBy === 'cause' ? alert.fault : alert.id;
    const members = groups.get(key);
    if (members) members.push(alert);
    else groups.set(key, [alert]);
  }
  return groups;
}

function isOver({ state }: KnownAlert): boolean {
  return state === 'resolved';
}
