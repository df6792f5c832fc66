import { type System, shortHostname, stateHome } from '../system/system.ts';
import { SCHEDULERS, type Scheduler } from './entry.ts';
import { KEEPERS } from './keepers.ts';
import { lastLook, readHeartbeat, readRecord } from './record.ts';
import { logPath } from './watcher.ts';

const MINUTE_MS = 60_000;
/** Looks in a row that may be missing before it is said: a busy node or a restart of the controller costs one or two. */
export const MISSED = 3;
const USUAL_EVERY = 5;

/**
 * Whether the watcher looks.
 * - `looking`: a look was made in time
 * - `waiting`: installed a moment ago, and no look was due yet
 * - `late`: it is installed and has not looked for longer than it should
 * - `disabled`: its entry is there and switched off
 * - `missing`: it stands in no scheduler of this machine, and nothing looks
 * - `elsewhere`: not on this machine, and somebody looks: another login node, or "opsctl watch" by hand
 * - `unknown`: a scheduler could not be read
 */
export type State = 'looking' | 'waiting' | 'late' | 'disabled' | 'missing' | 'elsewhere' | 'unknown';

export interface Status {
  readonly state: State;
  readonly scheduler: Scheduler | null;
  /** The entry as it stands there. */
  readonly line: string | null;
  readonly installedAt: string | null;
  readonly installedOn: string | null;
  readonly every: number | null;
  readonly lastLook: { readonly at: string; readonly secondsAgo: number } | null;
  readonly log: string;
  /** Schedulers that could not be read. */
  readonly unreadable: readonly string[];
}

/** @param heartbeat the file of `notify.heartbeat`, which other watchers of the site may look at too. */
export async function cronStatus(system: System, heartbeat: string | null): Promise<Status> {
  const home = stateHome(system.env);
  const record = await readRecord(home);
  const unreadable: string[] = [];
  let found: { scheduler: Scheduler; line: string; disabled: boolean } | undefined;
  for (const scheduler of SCHEDULERS) {
    const look = await KEEPERS[scheduler].look(system, home);
    if (look.kind === 'usable' && look.entry !== null) found ??= { scheduler, ...look.entry };
    // One that this machine does not have is no news, unless it is the one that was installed.
    const isUnknown = look.kind === 'unusable' && look.left === undefined;
    if (isUnknown && record?.scheduler === scheduler && record.host === shortHostname())
      unreadable.push(`${scheduler}: ${look.why}`);
  }
  const looks = await Promise.all([
    lastLook(system),
    ...(heartbeat === null ? [] : [readHeartbeat(heartbeat)]),
  ]);
  const newest = looks.reduce((one, other) => Math.max(one ?? 0, other ?? 0) || undefined);
  const now = system.now().getTime();
  const every = record?.every ?? null;
  return {
    state: stateOf({
      entry: found,
      isUnreadable: unreadable.length > 0,
      lastLookMs: newest ?? null,
      installedMs: record === undefined ? null : Date.parse(record.at),
      every: every ?? USUAL_EVERY,
      now,
    }),
    scheduler: found?.scheduler ?? null,
    line: found?.line ?? null,
    installedAt: record?.at ?? null,
    installedOn: record?.host ?? null,
    every,
    lastLook:
      newest === undefined
        ? null
        : { at: new Date(newest).toISOString(), secondsAgo: Math.max(0, Math.round((now - newest) / 1000)) },
    log: logPath(home),
    unreadable,
  };
}

/** What is known, with times in milliseconds since the epoch and `every` in minutes. */
export interface Known {
  readonly entry: { readonly disabled: boolean } | undefined;
  readonly isUnreadable: boolean;
  readonly lastLookMs: number | null;
  readonly installedMs: number | null;
  readonly every: number;
  readonly now: number;
}

export function stateOf({ entry, isUnreadable, lastLookMs, installedMs, every, now }: Known): State {
  const allowed = MISSED * every * MINUTE_MS;
  const isFresh = lastLookMs !== null && now - lastLookMs <= allowed;
  if (entry === undefined) {
    if (isUnreadable) return 'unknown';
    return isFresh ? 'elsewhere' : 'missing';
  }
  if (entry.disabled) return 'disabled';
  if (isFresh) return 'looking';
  return installedMs !== null && now - installedMs <= allowed ? 'waiting' : 'late';
}
