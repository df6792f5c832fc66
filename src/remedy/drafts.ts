import type { Partition, Profile } from '../config/schema.ts';
import type { Manifest } from '../run/manifest.ts';
import { formatDuration, parseDuration } from '../slurm/duration.ts';
import type { ActionName, Change } from './step.ts';
import { ACTIONS, isChanged, NO_CHANGE } from './step.ts';

/** What one remedy of a runbook comes to: an act, and what the next attempt does differently. */
export interface Draft {
  readonly action: ActionName;
  readonly change: Change;
}

/** What a remedy comes to: an act, or none and why; `already` when all is as it wants it. */
export type Wanted = Draft | { readonly none: string; readonly already?: boolean };

/** Restarts with a difference. */
const DIFFERENT: readonly string[] = [
  'other-port',
  'own-cache',
  'wandb-offline',
  'relocate-cache',
  'resume-earlier',
  'longer',
  'more-memory',
];
/** Every id that a remedy may have for opsctl to carry it out. */
export const REMEDIES: readonly string[] = [...ACTIONS, ...DIFFERENT];

/** Whether it starts the run again, so that something may be different. */
export function isRestart(remedy: string): boolean {
  return ['requeue', 'resubmit', 'raise-limit', ...DIFFERENT].includes(remedy);
}

/** How much more is asked for when a limit was too low. */
const MORE = 1.5;

/**
 * The act that a remedy's id stands for; undefined for what only a person can do. One vocabulary: a runbook of the
 * site's own that uses these ids is carried out like ours.
 */
export function draftOf(
  remedy: string,
  run: Manifest | null,
  profile: Pick<Profile, 'partitions' | 'data_root'>,
  newestStep: number | null,
): Wanted | undefined {
  const with_ = (set: Record<string, string>): Draft => ({
    action: 'resubmit',
    change: { set, beforeStep: null },
  });
  switch (remedy) {
    case 'requeue':
    case 'resubmit':
    case 'hold':
    case 'release':
    case 'cancel':
    case 'clear-nccl-shm':
    case 'prune-checkpoints':
    case 'exclude-node':
    case 'drain-node':
    case 'resume-node':
    case 'collect-evidence':
      return { action: remedy, change: NO_CHANGE };
    case 'other-port':
      // The script looks for a free port anew at every start.
      return { action: 'requeue', change: NO_CHANGE };
    case 'own-cache':
      return { action: 'resubmit', change: NO_CHANGE };
    case 'wandb-offline':
      return has(run, 'offline', true)
        ? { none: 'the run is offline already', already: true }
        : with_({ offline: 'true' });
    case 'relocate-cache':
      if (profile.data_root === null) return { none: 'the profile names no data_root to move caches to' };
      return has(run, 'data_root', profile.data_root)
        ? { none: `the run's caches are under ${profile.data_root} already`, already: true }
        : with_({ data_root: profile.data_root });
    case 'resume-earlier':
      return newestStep === null
        ? { none: 'the run has no checkpoint' }
        : { action: 'resubmit', change: { set: {}, beforeStep: newestStep } };
    case 'longer':
      return raised('time', longer(run, partitionOf(run, profile)));
    case 'more-memory':
      return raised('memory', moreMemory(run, partitionOf(run, profile)));
    case 'raise-limit':
      // A script of now raises the soft limit to the hard one; one that was rendered long ago may not.
      return { action: 'raise-limit', change: NO_CHANGE };
    default:
      return undefined;
  }
}

/** A restart with what a person wants to be different beside what the remedy itself changes; other acts as they are. */
export function withChange(draft: Draft, set: Change['set'] = {}, beforeStep: number | null = null): Draft {
  const change = {
    set: { ...draft.change.set, ...set },
    beforeStep: beforeStep ?? draft.change.beforeStep,
  };
  return isChanged(change) ? { ...draft, change } : draft;
}

function raised(name: string, value: string | null): Wanted {
  return value === null
    ? { none: `${name} is not known, or as high as the partition allows` }
    : { action: 'raise-limit', change: { set: { [name]: value }, beforeStep: null } };
}

function has(run: Manifest | null, name: string, value: unknown): boolean {
  return run?.parameters[name]?.value === value;
}

function partitionOf(
  run: Manifest | null,
  { partitions }: Pick<Profile, 'partitions'>,
): Partition | undefined {
  const named = run?.parameters.partition?.value;
  return typeof named === 'string'
    ? partitions[named]
    : Object.values(partitions).find((partition) => partition.default);
}

function longer(run: Manifest | null, partition: Partition | undefined): string | null {
  const now = parseDuration(String(run?.parameters.time?.value ?? ''));
  if (now === undefined || !Number.isFinite(now)) return null;
  const most = parseDuration(partition?.max_time ?? 'UNLIMITED') ?? Number.POSITIVE_INFINITY;
  const next = Math.min(Math.ceil(now * MORE), most);
  return next > now ? formatDuration(next) : null;
}

const UNITS: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 * 1024 };

function moreMemory(run: Manifest | null, partition: Partition | undefined): string | null {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)$/i.exec(String(run?.parameters.memory?.value ?? ''));
  const now = Number(match?.[1] ?? 0) * (UNITS[match?.[2]?.toUpperCase() || 'M'] ?? 1);
  const most = partition?.memory_mb ?? null;
  // 0 is all of the node: there is no more.
  if (now === 0 || most === null) return null;
  const next = Math.min(Math.ceil(now * MORE), most);
  return next > now ? `${next}M` : null;
}
