import type { Attempt } from '../run/manifest.ts';
import { knowTarget } from '../run/status.ts';
import type { Target } from '../run/target.ts';
import { expandHostlist } from '../slurm/hostlist.ts';
import { findJob } from '../slurm/scontrol-job.ts';
import { type NodeState, showNodeStates } from '../slurm/sinfo.ts';
import type { JobState } from '../slurm/states.ts';
import type { System } from '../system/system.ts';

/** A job as it is now, for planning. */
export interface JobNow {
  readonly jobId: string;
  /** Null where only its own record tells of it. */
  readonly user: string | null;
  readonly state: JobState;
  readonly reason: string | null;
  /** How often Slurm has restarted it; null when the controller knows it no more. */
  readonly restarts: number | null;
  /** The controller still has it and may start it again. */
  readonly mayRequeue: boolean;
  readonly excluded: readonly string[];
  /** Nodes that it must run on. */
  readonly required: readonly string[];
  /** Nodes of its newest attempt; of a job that waits for nodes of its own choice, those. */
  readonly nodes: readonly string[];
  /** An array or a heterogeneous job, of which the bare id means all parts. */
  readonly parts: boolean;
  /** Seconds since 1970. */
  readonly startTime: number | null;
  readonly endTime: number | null;
}

/** `blind`: Slurm did not answer, and what is not known is not gone. Null: there is no job. */
export type Job = JobNow | 'blind' | null;

export interface Looked {
  readonly job: Job;
  /** States of the newest attempt's nodes, and of those that a person named; empty where Slurm did not say. */
  readonly nodes: readonly NodeState[];
}

/**
 * The job of a run, or one that a person named, as Slurm and its own record tell of it.
 * @param more nodes that a person named, whose states are looked at too.
 * @throws OpsError 69 when Slurm is not here.
 */
export async function lookAtJob(
  system: System,
  target: Target,
  more: readonly string[] = [],
): Promise<Looked> {
  const known = await knowTarget(system, target);
  const { jobId, knowledge, attempts } = known;
  if (known.failure?.exitCode === 69) throw known.failure;
  if (jobId === null) return { job: known.outcome === 'planned' ? null : 'blind', nodes: [] };
  if (!knowledge.answered || knowledge.state.phase === 'unknown') return { job: 'blind', nodes: [] };
  const details = await findJob(system, jobId);
  const required = expandHostlist(details?.required ?? '');
  const nodes = nodesOf(knowledge.job?.nodes ?? '', attempts, required);
  const asked = [...new Set([...nodes, ...more])];
  const states = asked.length === 0 ? [] : await showNodeStates(system, asked.join(',')).catch(() => []);
  const job: JobNow = {
    jobId,
    user: knowledge.job?.user ?? details?.user ?? null,
    state: knowledge.state,
    reason: knowledge.job?.reason ?? null,
    restarts: details?.restarts ?? null,
    mayRequeue: details?.mayRequeue === true,
    excluded: expandHostlist(details?.excluded ?? ''),
    required,
    nodes,
    parts: knowledge.notes.some((note) => /^The job has \d+ parts/.test(note)),
    startTime: knowledge.job?.startTime ?? null,
    endTime: knowledge.job?.endTime ?? endOf(attempts),
  };
  return { job, nodes: states };
}

/** A job that waits has no nodes: its last attempt had, or it waits for those that it must have. */
function nodesOf(
  hostlist: string,
  attempts: readonly Attempt[],
  required: readonly string[],
): readonly string[] {
  const now = expandHostlist(hostlist);
  return now.length > 0 ? now : (attempts.at(-1)?.nodes ?? required);
}

function endOf(attempts: readonly Attempt[]): number | null {
  const end = Date.parse(attempts.at(-1)?.endedAt ?? '');
  return Number.isNaN(end) ? null : Math.floor(end / 1000);
}
