import { OpsError } from '../errors.ts';
import type { JobQuery } from '../slurm/job.ts';
import { isActive } from '../slurm/states.ts';
import { currentUser, type System, shortHostname } from '../system/system.ts';
import { readAttempts } from './attempts.ts';
import { newestCheckpoint } from './checkpoint.ts';
import { batchLog, findLogs } from './log-files.ts';
import { type Attempt, type Manifest, nameInSlurm } from './manifest.ts';
import { type Metrics, readMetrics } from './metrics.ts';
import { keepNews } from './news.ts';
import { listRuns } from './registry.ts';
import { type SlurmView, viewSlurm } from './slurm-view.ts';
import { judgeJob, judgeRun, type Knowledge, type Reconciliation, reconcile } from './state.ts';
import { type RunStatus, statusOf } from './status-document.ts';
import { readEnd } from './tail.ts';
import type { Target } from './target.ts';

/** Enough of a log for its last metrics, whatever else is printed between them. */
const LOG_END = 256 * 1024;
/** Job ids that one sacct is asked about: an argument may have 128 KiB. */
const MOST_JOBS = 5_000;
/** Accounting is asked about times from before the submission, because clocks differ. */
const CLOCK_SKEW_S = 3_600;

export interface Statuses {
  readonly statuses: readonly RunStatus[];
  /** How many runs were left out. */
  readonly hidden: number;
  readonly failure: OpsError | undefined;
}

/** One run or job, with its metrics and checkpoint. */
export async function oneStatus(
  system: System,
  target: Target,
): Promise<{ status: RunStatus; failure: OpsError | undefined }> {
  const known = await knowTarget(system, target);
  const { knowledge, jobId, attempts, failure, notes } = known;
  if (target.kind === 'job') return { status: statusOf({ knowledge, jobId, attempts, notes }), failure };
  const { manifest } = target;
  const [log, checkpoint, unwritten] = await Promise.all([
    readableMetrics(manifest),
    newestCheckpoint(manifest.outputDir),
    keepNews(system, manifest, known),
  ]);
  const all = {
    manifest,
    knowledge,
    jobId,
    attempts,
    checkpoint,
    ...log,
    notes: [...notes, ...log.notes, ...unwritten],
  };
  return { status: statusOf(all), failure };
}

/** A log that may not be read must not hide the state. */
async function readableMetrics(manifest: Manifest): Promise<{ metrics?: Metrics; notes: string[] }> {
  try {
    return { metrics: await runMetrics(manifest), notes: [] };
  } catch (error) {
    if (error instanceof OpsError) return { notes: [`No metrics: ${error.message}.`] };
    throw error;
  }
}

export interface Known {
  /** How its job was found; absent for a job that is no run. */
  readonly outcome?: Reconciliation['outcome'];
  readonly knowledge: Knowledge;
  readonly jobId: string | null;
  readonly attempts: readonly Attempt[];
  readonly notes: readonly string[];
  readonly failure: OpsError | undefined;
}

/** What is known of a run's or a job's state now: both Slurm calls at once, then the job's own records. */
export async function knowTarget(system: System, target: Target): Promise<Known> {
  if (target.kind === 'job') {
    const query = { jobIds: [target.jobId] };
    const view = await viewSlurm(system, query, query, 0);
    return {
      knowledge: judgeJob(target.jobId, view),
      jobId: target.jobId,
      attempts: [],
      notes: [],
      failure: view.failure,
    };
  }
  const { manifest } = target;
  const { user, jobId } = manifest;
  const byName: JobQuery = { user, names: [nameInSlurm(manifest)] };
  // By name sacct passes over jobs that never became eligible, such as one held and cancelled.
  const byId = jobId === null ? byName : { jobIds: [jobId] };
  const view = await viewSlurm(system, byName, byId, since([manifest]));
  return knowRun(system, manifest, view);
}

/** Changes whenever the job has recorded the beginning or the end of an attempt. */
export async function attemptRecord(target: Target): Promise<string> {
  if (target.kind === 'job') return '';
  const last = (await readAttempts(target.manifest.outputDir)).at(-1);
  return last === undefined ? '' : `${last.attempt} ${last.endedAt}`;
}

async function knowRun(system: System, manifest: Manifest, view: SlurmView): Promise<Known> {
  const attempts = await readAttempts(manifest.outputDir);
  const found = reconcile(manifest, attempts, view, system.now(), isWhereSubmitted(system, manifest));
  const jobId = found.outcome === 'recorded' || found.outcome === 'found' ? found.jobId : null;
  const notes = {
    recorded: [],
    found: ['opsctl was ended while it submitted this run; Slurm has the job.'],
    several: [
      `Slurm has this run more than once: jobs ${found.outcome === 'several' ? found.jobIds.join(', ') : ''}.`,
    ],
    planned: ['The submission of its pipeline was cut short before Slurm was given this stage.'],
    submitting: ['It is being submitted.'],
    unsettled: ['opsctl ended without knowing whether Slurm took it, and Slurm shows no such job yet.'],
    'never-accepted': [
      'Slurm never accepted it: the queue and accounting know no such job. It may be submitted again.',
    ],
    'not-found': [
      'opsctl was ended while it submitted this run, and Slurm shows no such job: it was probably never accepted.',
    ],
    'no-answer': [],
  }[found.outcome];
  return {
    outcome: found.outcome,
    knowledge: judgeRun(manifest, jobId, attempts, view),
    jobId,
    attempts,
    notes,
    failure: view.failure,
  };
}

/** A login node, and a configuration of Slurm's there, are of one cluster. */
function isWhereSubmitted({ env }: System, { unsure, environment }: Manifest): boolean {
  return unsure?.host === shortHostname() && environment.SLURM_CONF === env.SLURM_CONF;
}

/** What is known of some runs, in their order, with one squeue and one sacct; what is new of them is written down. */
export async function knowRuns(
  system: System,
  runs: readonly Manifest[],
): Promise<{ known: readonly Known[]; failure: OpsError | undefined }> {
  if (runs.length === 0) return { known: [], failure: undefined };
  const names = [...new Set(runs.map(nameInSlurm))];
  const jobIds = runs.flatMap((run) => run.jobId ?? []);
  const view = await viewSlurm(system, { user: currentUser(), names }, { jobIds }, since(runs));
  const known = await Promise.all(
    runs.map(async (manifest) => {
      const each = await knowRun(system, manifest, view);
      await keepNews(system, manifest, each);
      return each;
    }),
  );
  return { known, failure: view.failure };
}

/**
 * The runs of this state directory, newest first: the newest `count` and every active one, without metrics. One
 * squeue and one sacct, however many runs there are.
 */
export async function manyStatuses(system: System, count: number): Promise<Statuses> {
  const runs = await listRuns(system);
  if (runs.length === 0) return { statuses: [], hidden: 0, failure: undefined };
  const newest = runs.slice(0, Math.min(count, MOST_JOBS));
  const jobIds = newest.flatMap((run) => run.jobId ?? []);
  const view = await viewSlurm(system, { user: currentUser() }, { jobIds }, since(newest));
  const queued = new Set((view.queue ?? []).filter((job) => isActive(job.state)).map((job) => job.name));
  const shown = runs.filter((run, index) => index < count || queued.has(nameInSlurm(run)));
  const statuses = await Promise.all(
    shown.map(async (manifest) => statusOf({ manifest, ...(await knowRun(system, manifest, view)) })),
  );
  return { statuses, hidden: runs.length - shown.length, failure: view.failure };
}

function since(runs: readonly Manifest[]): number {
  const times = runs.map((run) => Date.parse(run.createdAt)).filter((time) => !Number.isNaN(time));
  return Math.max(0, Math.floor(Math.min(...times, Date.now()) / 1000) - CLOCK_SKEW_S);
}

/** From the end of the batch log or, where other output has pushed them out, of the newest attempt's first node. */
async function runMetrics(manifest: Manifest): Promise<Metrics> {
  const metrics = readMetrics(
    (await readEnd(batchLog(manifest.outputDir), LOG_END)) ?? '',
    manifest.parameters,
  );
  if (metrics.step !== null || metrics.loss !== null) return metrics;
  const logs = await findLogs(manifest, { node: '0', rank: undefined, attempt: undefined }).catch(() => []);
  const newest = logs.at(-1);
  if (newest === undefined) return metrics;
  return readMetrics((await readEnd(newest.path, LOG_END)) ?? '', manifest.parameters);
}
