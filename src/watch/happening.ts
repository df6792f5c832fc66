import type { SlurmJob } from '../slurm/job.ts';
import { isActive } from '../slurm/states.ts';
import type { RunMemory } from './memory.ts';

/** What became of a run between two looks. */
export type Happening =
  | { readonly kind: 'none' }
  /** An attempt ended, and the job waits or runs anew. */
  | { readonly kind: 'requeued'; readonly attempt: string }
  | { readonly kind: 'ended'; readonly attempt: string; readonly job: SlurmJob };

/** Seconds after which an end that somebody else wrote down, such as `opsctl status`, is an old one. */
const RECENT = 600;

const NOTHING: Happening = { kind: 'none' };

/**
 * What is new about a run's job. Pure. A job that nobody knows is no happening: not seen is not ended.
 * @param queued what the controller says; believed first.
 * @param accounted what accounting says of an end, for when the controller has forgotten it.
 */
export function happening(
  run: RunMemory,
  queued: SlurmJob | undefined,
  accounted: SlurmJob | undefined,
  now: Date,
): Happening {
  // While Slurm ends an attempt that it will start again, it already shows another start, second by second.
  if (queued?.state.phase === 'completing') return NOTHING;
  if (queued !== undefined && isActive(queued.state)) {
    const attempt = attemptOf(run.jobId, run.startTime);
    const isSame =
      queued.jobId === run.jobId && queued.state.phase !== 'pending' && queued.startTime === run.startTime;
    const wasSeen = run.startTime !== null && run.handled !== attempt;
    // A job that was submitted anew under its name ended before: that end was a happening of its own.
    return wasSeen && !isSame && queued.jobId === run.jobId ? { kind: 'requeued', attempt } : NOTHING;
  }
  const ended = queued ?? accounted;
  if (ended === undefined || ended.state.phase !== 'ended') return NOTHING;
  const attempt = attemptOf(ended.jobId, ended.startTime ?? ended.endTime);
  if (run.handled === attempt) return NOTHING;
  // Written down before the watcher came: dropped when it is old. That a person has looked at it lately settles nothing.
  const isKnown = run.over !== null && run.over === ended.state.word && run.handled === null;
  const age = ended.endTime === null ? Number.POSITIVE_INFINITY : now.getTime() / 1000 - ended.endTime;
  if (isKnown && age > RECENT) return NOTHING;
  return { kind: 'ended', attempt, job: ended };
}

export function attemptOf(jobId: string | null, startTime: number | null): string {
  return `${jobId ?? '?'}@${startTime ?? 0}`;
}
