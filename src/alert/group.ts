import { type Alert, reaches, type Severity, worst } from './alert.ts';
import type { AlertPolicy } from './policy.ts';

/**
 * Why a group of alerts is told now, or is not.
 * - `first`: nobody has been told of this episode
 * - `worse`: it is more severe than when it was last told
 * - `more`: it has alerts that were not there then
 * - `repeat`: nothing has changed for the repeat interval
 * - `resolved`: all of it is over, and somebody had been told
 * - `waiting`: there are more alerts, but the group was told a moment ago
 * - `unchanged`: told, and the repeat interval is not over
 * - `silenced`: a silence holds back all of it
 * - `quiet`: it would be told, but these are quiet hours for its severity
 * - `unnoticed`: it is over before anybody was told
 */
export type Reason = SendReason | 'waiting' | 'unchanged' | 'silenced' | 'quiet' | 'unnoticed';
export type SendReason = 'first' | 'worse' | 'more' | 'repeat' | 'resolved';

/** What was told of a group: kept from its first alert until its end is told. */
export interface GroupRecord {
  readonly key: string;
  /** Names this episode: all its messages are one thread. */
  readonly thread: string;
  /** Messages of the episode so far. */
  readonly count: number;
  /** Null until the first one. */
  readonly told: {
    readonly at: string;
    readonly ids: readonly string[];
    readonly severity: Severity;
    /** The worst severity of the episode: its receivers are told the end too. */
    readonly peak: Severity;
  } | null;
}

/**
 * After Alertmanager's needsUpdate (prometheus/alertmanager, notify/dedup_stage.go): pure, with a named reason, and
 * decided from what was told last, never from what changed since the last look.
 */
export function whyTell(
  { told }: Pick<GroupRecord, 'told'>,
  firing: readonly Alert[],
  audible: readonly Alert[],
  policy: AlertPolicy,
  now: Date,
): Exclude<Reason, 'quiet'> {
  if (firing.length === 0) return told === null ? 'unnoticed' : 'resolved';
  if (audible.length === 0) return 'silenced';
  if (told === null) return 'first';
  const severity = worst(audible.map((alert) => alert.severity));
  if (severity !== told.severity && reaches(severity, told.severity)) return 'worse';
  const elapsedMs = now.getTime() - Date.parse(told.at);
  const known = new Set(told.ids);
  if (audible.some(({ id }) => !known.has(id)))
    return elapsedMs >= policy.groupIntervalMs ? 'more' : 'waiting';
  return elapsedMs >= policy.repeatMs ? 'repeat' : 'unchanged';
}

export function isSent(reason: Reason): reason is SendReason {
  return ['first', 'worse', 'more', 'repeat', 'resolved'].includes(reason);
}
