import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { readAttempts } from '../run/attempts.ts';
import { batchLog, findLogs } from '../run/log-files.ts';
import type { Attempt } from '../run/manifest.ts';
import { viewSlurm } from '../run/slurm-view.ts';
import { isOfRun } from '../run/state.ts';
import type { Target } from '../run/target.ts';
import { parseTimestamp } from '../slurm/duration.ts';
import { missedNodes, type SlurmJob } from '../slurm/job.ts';
import { sacct } from '../slurm/sacct.ts';
import { showJob } from '../slurm/scontrol-job.ts';
import { isGone, type NodeState, showNodeStates } from '../slurm/sinfo.ts';
import type { System } from '../system/system.ts';
import type { Attempts } from './attempts.ts';
import { type KernelLog, kernelLog } from './kernel-log.ts';

/** All that is known of a run or job before its logs are read. */
export interface Gathered {
  /** Logs to read, those of single nodes first: they know more than the batch script's. */
  readonly files: readonly string[];
  readonly slurm: Attempts;
  /** Nodes of the job that Slurm does not have in use or ready for it. */
  readonly nodes: readonly NodeState[];
  readonly kernel: KernelLog | undefined;
  /** What could not be asked, in words. */
  readonly notes: readonly string[];
}

/** A job's own record says when it was submitted; for one that opsctl did not submit a month back is looked through. */
const LOOK_BACK_SECONDS = 30 * 24 * 3600;

/**
 * Where a run's or job's logs are and what Slurm says of it. A run's logs are found without Slurm.
 * @throws OpsError when a job that opsctl did not submit is not known to Slurm, or Slurm does not answer for it.
 */
export async function gather(system: System, target: Target): Promise<Gathered> {
  const jobId = target.kind === 'job' ? target.jobId : target.manifest.jobId;
  const since =
    target.kind === 'run'
      ? Math.floor(Date.parse(target.manifest.createdAt) / 1000) - 1
      : Math.floor(system.now().getTime() / 1000) - LOOK_BACK_SECONDS;
  // Another cluster may have another job under the id.
  const isMeant = (job: SlurmJob): boolean => target.kind === 'job' || isOfRun(job, target.manifest);
  const slurm = jobId === null ? undefined : await askSlurm(system, jobId, since, isMeant);
  const files = target.kind === 'run' ? await runLogs(target) : await jobLogs(system, target.jobId);
  const { newest: job, earlier = [] } = slurm?.attempts ?? {};
  // Only while it waits: what a node is like once the job runs elsewhere says little of how it was left.
  const last =
    target.kind === 'run' && job?.state.phase === 'pending' && earlier.length === 0
      ? lastOf(await readAttempts(target.manifest.outputDir).catch(() => []), job.jobId)
      : undefined;
  const left = mayHaveLostNode(last) ? last.nodes.join(',') : '';
  const [nodes, lost, kernel] =
    job === undefined
      ? [[], [], undefined]
      : await Promise.all([
          poorNodes(system, job.nodes || missedNodes(job)),
          poorNodes(system, left),
          job.nodes === '' ? undefined : kernelLog(system, job),
        ]);
  return {
    files,
    slurm: { newest: job, earlier, lost: lost.filter((node) => isGone(node) && !wentLater(node, job)) },
    nodes,
    kernel,
    notes: slurm?.notes ?? [],
  };
}

/** Seconds between a node's loss and the requeue that follows from it, with some to spare. */
const LOSS_TO_REQUEUE = 60;

/** The node went when the job was back in the queue already, for which Slurm counts it as submitted anew. */
function wentLater({ since }: NodeState, job: SlurmJob | undefined): boolean {
  const went = parseTimestamp(since ?? '');
  return went !== null && job?.submitTime != null && went > job.submitTime + LOSS_TO_REQUEUE;
}

function lastOf(attempts: readonly Attempt[], jobId: string): Attempt | undefined {
  return attempts.findLast((attempt) => attempt.jobId === jobId);
}

/** An attempt that wrote down a plain end was not ended by its nodes; a lost one leaves none, or says that it was signalled. */
export function mayHaveLostNode(attempt: Attempt | undefined): attempt is Attempt {
  return attempt !== undefined && [null, undefined, 'failed', 'signal'].includes(attempt.reason);
}

/** sinfo(1): a node in one of these states, or with one of these flags, is not to be blamed by itself. */
const GOOD_NODE = /^(?:idle|allocated|mixed|completing|planned)[~#!%$@^+-]?$/;

/** Only an addition to what is known of the job: without an answer there is none. */
async function poorNodes(system: System, nodes: string): Promise<NodeState[]> {
  if (nodes === '') return [];
  const states = await showNodeStates(system, nodes).catch(() => []);
  return states.filter(({ state }) => !GOOD_NODE.test(state));
}

async function askSlurm(
  system: System,
  jobId: string,
  since: number,
  isMeant: (job: SlurmJob) => boolean,
): Promise<{ readonly attempts: Attempts; readonly notes: readonly string[] }> {
  const query = { jobIds: [jobId] };
  const view = await viewSlurm(system, query, query, since);
  const queued = view.queue?.findLast(isMeant);
  const accounted = view.accounting?.findLast(isMeant);
  // The queue is fresher while the job is there; accounting knows the exit code once it has ended.
  const job = queued === undefined || (queued.state.phase === 'ended' && accounted) ? accounted : queued;
  const attempts =
    view.accounting === undefined
      ? undefined
      : await sacct(system, query, since, { duplicates: true }).catch(() => undefined);
  const earlier = attempts?.kind === 'jobs' ? attempts.jobs.filter(isMeant).slice(0, -1) : [];
  const notes =
    job === undefined && view.failure ? [`Slurm could not be asked: ${view.failure.message}`] : [];
  return { attempts: { newest: job, earlier }, notes };
}

/** Logs of a run: of all nodes of every attempt, then the batch script's. A node's log holds all its ranks. */
export async function runLogs({ manifest }: Extract<Target, { kind: 'run' }>): Promise<string[]> {
  const attempts = await attemptsOf(manifest.outputDir);
  const nodes = await Promise.all(
    attempts.map((attempt) => findLogs(manifest, { node: undefined, rank: undefined, attempt })),
  );
  return [...nodes.flat().map(({ path }) => path), batchLog(manifest.outputDir)];
}

async function attemptsOf(outputDir: string): Promise<number[]> {
  const names = await readdir(join(outputDir, 'logs')).catch(() => []);
  return names.flatMap((name) => /^attempt-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

async function jobLogs(system: System, jobId: string): Promise<string[]> {
  const details = await showJob(system, jobId);
  if (details) {
    const files = [details.stdout, details.stderr].flatMap((path) =>
      path === null || path === '/dev/null' ? [] : [path],
    );
    return [...new Set(files)];
  }
  throw new OpsError(`Slurm has forgotten where the log of job ${jobId} is`, {
    exitCode: EXIT.unknown,
    hint: 'Give the log itself: "opsctl diagnose FILE".',
  });
}
