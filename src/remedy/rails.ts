import type { AutomationConfig } from '../config/automation-schema.ts';
import { parseDuration } from '../slurm/duration.ts';
import type { JobNow } from './job-now.ts';
import type { ActionName, Change, Level } from './step.ts';
import { isChanged } from './step.ts';

/** Who acts, and in whose name. */
export interface Actor {
  readonly user: string;
  /** The job that opsctl itself runs in. */
  readonly ownJob: string | null;
  /** A person is there, or has given --yes. */
  readonly attended: boolean;
}

/** A rail by its name, and in words why it holds an act back. */
export interface Held {
  readonly rail: string;
  readonly why: string;
}

/** Not a rail that holds anything back: all is as the act wants it. */
export const ALREADY = 'already';

/** Faults that an unchanged retry only repeats: quota, code, memory, NaN, wrong flags, missing rights or files. */
const REPEATS_ITSELF: ReadonlySet<string> = new Set([
  'disk-quota',
  'disk-full',
  'python-error',
  'python-dep-missing',
  'bad-argument',
  'arrow-capacity',
  'cuda-oom',
  'host-oom',
  'loss-nan',
  'illegal-memory-access',
  'wandb-no-key',
  'hf-hub-unreachable',
  'permission-denied',
  'path-missing',
  'data-corrupt',
  'checkpoint-corrupt',
  'checkpoint-mismatch',
  'resume-failed',
  'ext-build-failed',
  'slurm-invalid-request',
  'srun-step-failed',
  'too-many-open-files',
]);

/** Rail 4: never an unchanged retry of what is sure to fail again. */
export function unchangedRetry(
  fault: string | null,
  change: Change,
  nodesAvoided: boolean,
): Held | undefined {
  if (fault === null || !REPEATS_ITSELF.has(fault) || isChanged(change) || nodesAvoided) return undefined;
  return {
    rail: 'unchanged-retry',
    why: `an unchanged retry ends in ${fault} again: change something first`,
  };
}

/** Rail 7: another user's job, opsctl's own job, and all parts of an array by its bare id are left alone. */
export function notOurs(
  job: JobNow,
  { user, ownJob }: Actor,
  isRun: boolean,
  isNamed: boolean,
): Held | undefined {
  if (job.user !== null && job.user !== user)
    return { rail: 'not-ours', why: `job ${job.jobId} is ${job.user}'s, not ${user}'s` };
  if (ownJob !== null && job.jobId.split('_')[0] === ownJob.split('_')[0])
    return { rail: 'own-job', why: `opsctl itself runs in job ${job.jobId}` };
  if (!isRun && !isNamed)
    return { rail: 'not-ours', why: `job ${job.jobId} was not submitted by opsctl, and nobody has named it` };
  if (job.parts && !/_\d+$/.test(job.jobId))
    return {
      rail: 'array',
      why: `${job.jobId} has several parts, and its bare id means all of them: name one, as ${job.jobId}_0`,
    };
  return undefined;
}

/** Rail 10: an event that is older than the attempt it is held against speaks of an earlier one. */
export function stale(seenAt: Date | null, job: JobNow): Held | undefined {
  const hasStarted = job.state.phase === 'running' || job.state.phase === 'completing';
  if (seenAt === null || job.startTime === null || !hasStarted || seenAt.getTime() / 1000 >= job.startTime)
    return undefined;
  return {
    rail: 'stale',
    why: `what was seen is older than the attempt that runs since ${iso(job.startTime)}`,
  };
}

/** Levels: L4 needs the profile's permission, whoever asks. */
export function allowed(action: ActionName, { allow_drain }: AutomationConfig): Held | undefined {
  if ((action !== 'drain-node' && action !== 'resume-node') || allow_drain) return undefined;
  return {
    rail: 'allow-drain',
    why: 'the profile does not allow it: automation.allow_drain is false',
  };
}

export const LEVELS: Readonly<Record<ActionName, Level>> = {
  'collect-evidence': 2,
  requeue: 2,
  resubmit: 2,
  'raise-limit': 2,
  hold: 2,
  release: 2,
  cancel: 2,
  'exclude-node': 2,
  'clear-nccl-shm': 3,
  'prune-checkpoints': 3,
  'drain-node': 4,
  'resume-node': 4,
};

/** Reasons of nodes that opsctl has set aside begin with this, and no other reason is ever changed. */
export const OWN_REASON = 'opsctl:';

/** Rail 7 for nodes. */
export function nodeHeld(
  action: ActionName,
  node: string,
  now: { readonly state: string; readonly reason: string | null } | undefined,
): Held | undefined {
  if (action !== 'drain-node' && action !== 'resume-node') return undefined;
  if (now === undefined) return { rail: 'blind', why: `Slurm does not say what state ${node} is in` };
  const isSetAside = /drain|drng|down|fail/i.test(now.state);
  if (action === 'drain-node' && isSetAside)
    return { rail: 'not-ours', why: `${node} is ${now.state} already: ${now.reason ?? 'no reason given'}` };
  if (action === 'resume-node' && !now.reason?.startsWith(OWN_REASON))
    return {
      rail: 'not-ours',
      why: `${node} was set aside by somebody else (${now.reason ?? 'no reason given'})`,
    };
  return undefined;
}

/** Seconds of a time in the profile, which its schema has checked. */
export function secondsOf(text: string): number {
  return parseDuration(text) ?? 0;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
