import type { Manifest } from '../run/manifest.ts';
import type { Draft } from './drafts.ts';
import type { JobNow } from './job-now.ts';
import { type Change, isChanged, NO_CHANGE } from './step.ts';

export interface RestartRequest {
  /** The restart that the runbook or a person wants; undefined for none. */
  readonly asked: Draft | undefined;
  /** Something else in the plan makes the next attempt another one, so it is worth a restart. */
  readonly mended: boolean;
  readonly job: JobNow | null;
  readonly run: Manifest | null;
  readonly fault: string | null;
  /** A person has asked for exactly this. */
  readonly isExplicit: boolean;
}

export type Restart =
  | { readonly action: 'requeue' | 'resubmit' | 'raise-limit'; readonly change: Change }
  /** An empty `none`: nothing was wanted. */
  | { readonly none: string; readonly rail: string };

/** The faults of a job that is still there although nothing moves: only these may be taken from a running job. */
const STANDS_STILL: ReadonlySet<string> = new Set(['hang', 'nccl-timeout']);

/**
 * How a run is started again, if at all: by Slurm as the same job where nothing is to be different and Slurm still has
 * it, else by submitting its script again in its own directory. Pure.
 */
export function restartOf({ asked, mended, job, run, fault, isExplicit }: RestartRequest): Restart {
  const no = (none: string, rail = 'state'): Restart => ({ none, rail });
  if (asked === undefined && (!mended || isExplicit)) return no('');
  const change = asked?.change ?? NO_CHANGE;
  const kind = asked?.action === 'raise-limit' ? 'raise-limit' : 'resubmit';
  const again = (): Restart =>
    run === null
      ? no('opsctl did not submit this job, so it cannot submit it again')
      : run.sweep || run.pipeline
        ? no('a task of a sweep or a stage of a pipeline is not submitted by itself: opsctl pipeline resume')
        : { action: kind, change };
  if (job === null)
    return run === null ? no('there is no job to start again') : no('the run has no job that has ended');
  switch (job.state.phase) {
    case 'pending':
      if (asked !== undefined && isChanged(change))
        return no('the job waits already; cancel it first: opsctl cancel');
      return no(isExplicit ? 'the job waits already' : '');
    case 'ended':
      if (job.state.outcome === 'ok' && !isExplicit) return no('the job has ended well');
      if (job.state.outcome === 'cancelled' && !isExplicit) return no('somebody has cancelled it');
      if (isChanged(change) || kind === 'raise-limit' || !job.mayRequeue) return again();
      return asked?.action === 'resubmit' && isExplicit ? again() : { action: 'requeue', change };
    case 'running':
      if (isChanged(change))
        return no('the job is running: with a change it can only be submitted when it has ended');
      if (!isExplicit && !STANDS_STILL.has(fault ?? ''))
        return no('the job is running: it has lived through it');
      return job.mayRequeue
        ? { action: 'requeue', change }
        : no('Slurm may not requeue this job (--no-requeue)');
    default:
      return no(`the job is ${job.state.word}: look again when it has ended`);
  }
}
