import { OpsError } from '../errors.ts';
import type { JobQuery, SlurmJob } from '../slurm/job.ts';
import { sacct } from '../slurm/sacct.ts';
import { squeue } from '../slurm/squeue.ts';
import type { System } from '../system/system.ts';

/** What Slurm said at one moment. `undefined` is "did not answer", which is something else than "knows no such job". */
export interface SlurmView {
  readonly queue: readonly SlurmJob[] | undefined;
  /** Undefined also where the cluster keeps no accounting. */
  readonly accounting: readonly SlurmJob[] | undefined;
  /** Why the queue could not be read: not installed (69) or no answer (75). */
  readonly failure: OpsError | undefined;
}

/**
 * Asks the controller and accounting at the same time, one call each, so that with both down the answer still comes
 * within one time limit. Never throws for what Slurm does.
 * @param since seconds since 1970, before the oldest of the jobs was submitted.
 */
export async function viewSlurm(
  system: System,
  queueQuery: JobQuery,
  accountingQuery: JobQuery,
  since: number,
): Promise<SlurmView> {
  const [queue, accounting] = await Promise.all([
    orFailure(squeue(system, queueQuery)),
    orFailure(sacct(system, accountingQuery, since)),
  ]);
  return {
    queue: queue instanceof OpsError ? undefined : queue,
    accounting: !(accounting instanceof OpsError) && accounting.kind === 'jobs' ? accounting.jobs : undefined,
    failure: queue instanceof OpsError ? queue : undefined,
  };
}

async function orFailure<T>(answer: Promise<T>): Promise<T | OpsError> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof OpsError) return error;
    throw error;
  }
}
