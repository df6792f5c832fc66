import { EXIT, OpsError } from '../errors.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { sacct } from '../slurm/sacct.ts';
import { type NodeView, showAllNodes } from '../slurm/sinfo.ts';
import { squeue } from '../slurm/squeue.ts';
import { currentUser, type System } from '../system/system.ts';

/**
 * What Slurm said at one moment: of all of this user's jobs and of all nodes. `undefined` is "did not answer", which
 * is never the same as "nothing there".
 */
export interface Look {
  readonly at: Date;
  readonly queue: readonly SlurmJob[] | undefined;
  readonly nodes: ReadonlyMap<string, NodeView> | undefined;
  /** Jobs that ended or changed since the last look; undefined also where the cluster keeps no accounting. */
  readonly accounting: readonly SlurmJob[] | undefined;
  /** The cluster has said that it keeps no accounting: nobody asks again. */
  readonly isUnaccounted: boolean;
  /** What did not answer, in words. */
  readonly failures: readonly OpsError[];
  readonly slurmCalls: number;
}

/** Accounting lags by seconds, and clocks differ. */
const OVERLAP_S = 300;

/**
 * One squeue, one sinfo and, where there is accounting, one sacct, at the same time: never more, however many jobs and
 * nodes there are.
 * @param asked seconds since 1970 of the last look; null leaves accounting out, where the cluster has none. The others need
 * not wait for it.
 * @throws OpsError 69 when Slurm is not installed here: that is no failure of a look.
 */
export async function look(system: System, asked: Promise<number | null>): Promise<Look> {
  const user = currentUser();
  const account = async () => {
    const since = await asked;
    if (since === null) return undefined;
    return answerOf(sacct(system, { user }, Math.max(0, since - OVERLAP_S), { duplicates: true }));
  };
  const [queue, nodes, accounting] = await Promise.all([
    answerOf(squeue(system, { user })),
    answerOf(showAllNodes(system)),
    account(),
  ]);
  const failures = [queue, nodes, accounting].filter((answer) => answer instanceof OpsError);
  return {
    at: system.now(),
    queue: queue instanceof OpsError ? undefined : queue,
    nodes: nodes instanceof OpsError ? undefined : new Map(nodes.map((each) => [each.node, each])),
    accounting: accounting instanceof OpsError || accounting?.kind !== 'jobs' ? undefined : accounting.jobs,
    isUnaccounted: !(accounting instanceof OpsError) && accounting?.kind === 'disabled',
    failures,
    slurmCalls: accounting === undefined ? 2 : 3,
  };
}

async function answerOf<T>(answer: Promise<T>): Promise<T | OpsError> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof OpsError && error.exitCode !== EXIT.noSlurm) return error;
    throw error;
  }
}
