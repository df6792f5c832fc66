import { OpsError, UsageError } from '../errors.ts';
import { isJobId, isPartOf, type SlurmJob } from '../slurm/job.ts';
import { sacct } from '../slurm/sacct.ts';
import { squeue } from '../slurm/squeue.ts';
import type { System } from '../system/system.ts';
import type { Manifest } from './manifest.ts';
import { findRun, listRuns, notedRun } from './registry.ts';
import { baseId, isOfRun } from './state.ts';

/** Accounting is asked about times from before the submission, because clocks differ. */
const CLOCK_SKEW_S = 3_600;

/** What a person named: a run of opsctl, or a job that only Slurm knows. */
export type Target =
  | { readonly kind: 'run'; readonly manifest: Manifest }
  | { readonly kind: 'job'; readonly jobId: string };

/**
 * A run by id, beginning of an id or `last`, or a job by its id. What looks like a job's id is one: it is never
 * taken as the beginning of a run's name, because `opsctl cancel 7` must not cancel the run `7b-sft`.
 * @throws UsageError when it names nothing that can be looked up.
 */
export async function findTarget(system: System, text: string): Promise<Target> {
  if (text === '')
    throw new UsageError('no run is named', 'Give a run, the beginning of its name, a job id, or "last".');
  if (!isJobId(text)) return { kind: 'run', manifest: await findRun(system, text) };
  const manifest = await runOfJob(system, text);
  return manifest === undefined ? { kind: 'job', jobId: text } : { kind: 'run', manifest };
}

/**
 * As findTarget, for what can be done with a run only.
 * @throws UsageError also for a job that is no run.
 */
export async function findTargetRun(system: System, text: string): Promise<Manifest> {
  const target = await findTarget(system, text);
  if (target.kind === 'run') return target.manifest;
  throw new UsageError(`job ${text} is no run that opsctl submitted`, '"opsctl status" lists the runs.');
}

/**
 * The run that is this job. Another cluster counts from 1 as well, and so does one whose state was lost: several runs may
 * have had the id, and the job that has it now may be none of them. Its name, which is the run's id, tells. Where Slurm
 * knows no such job, or does not answer, it is the newest run that had it.
 */
async function runOfJob(system: System, jobId: string): Promise<Manifest | undefined> {
  const ids = [...new Set([jobId, baseId(jobId)])];
  const noted = (await Promise.all(ids.map((id) => notedRun(system, id)))).find((run) => run !== undefined);
  const had = noted === undefined ? await runsOf(system, ids) : [noted];
  if (had[0] === undefined) return undefined;
  const jobs = await jobsNow(system, jobId, had[0]);
  if (jobs.length === 0) return had[0];
  const isNow = (run: Manifest): boolean => jobs.some((job) => isOfRun(job, run));
  return had.find(isNow) ?? (noted && (await runsOf(system, ids)).find(isNow));
}

/** Those that had the first id, newest first, then those that had the second. */
async function runsOf(system: System, ids: readonly string[]): Promise<Manifest[]> {
  const runs = await listRuns(system);
  return ids.flatMap((id) => runs.filter((run) => run.jobId === id));
}

/** What Slurm has under this id now; nothing also when it does not say. */
async function jobsNow(system: System, jobId: string, run: Manifest): Promise<readonly SlurmJob[]> {
  const query = { jobIds: [jobId] };
  try {
    const queued = (await squeue(system, query)).filter((job) => isPartOf(job.jobId, jobId));
    if (queued.length > 0) return queued;
    const past = await sacct(system, query, Math.floor(Date.parse(run.createdAt) / 1000) - CLOCK_SKEW_S);
    return past.kind === 'jobs' ? past.jobs.filter((job) => isPartOf(job.jobId, jobId)) : [];
  } catch (error) {
    if (error instanceof OpsError) return [];
    throw error;
  }
}
