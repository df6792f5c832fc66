import { isPartOf, type SlurmJob } from '../slurm/job.ts';
import { type JobState, jobState, UNKNOWN_STATE } from '../slurm/states.ts';
import { type Attempt, commentInSlurm, type Manifest, nameInSlurm } from './manifest.ts';
import type { SlurmView } from './slurm-view.ts';

/** Which job a run is. Only `found` is news: its id is to be written into the manifest. */
export type Reconciliation =
  | { readonly outcome: 'recorded'; readonly jobId: string }
  | { readonly outcome: 'found'; readonly jobId: string; readonly by: 'squeue' | 'sacct' | 'attempt' }
  /** Slurm took it more than once: a person must choose. */
  | { readonly outcome: 'several'; readonly jobIds: readonly string[] }
  /** A stage of a pipeline whose submission was cut short before it came to this one. */
  | { readonly outcome: 'planned' }
  /** sbatch may still be at work. */
  | { readonly outcome: 'submitting' }
  /** opsctl has ended without knowing, and what it asked of Slurm may still become a job. */
  | { readonly outcome: 'unsettled' }
  /** Nobody knows such a job. That does not prove that there never was one. */
  | { readonly outcome: 'not-found' }
  /** Queue and accounting both know no such job, long after sbatch has given up: an end. */
  | { readonly outcome: 'never-accepted' }
  | { readonly outcome: 'no-answer' };

/** sbatch gives up by itself within this time, even when the controller is slow. */
const SUBMITTING_MS = 60_000;
/** By then a job that was accepted is in the queue or in accounting, whose daemon may have been away for a while. */
const SETTLED_MS = 300_000;

/**
 * Which job belongs to a run whose submission was cut short between writing the intent and recording the job id.
 * A job's name is the run's id, so Slurm can tell; the job itself says so in attempts/.
 * @param isHere Slurm is asked where it was submitted: another cluster knows nothing of it.
 */
export function reconcile(
  manifest: Manifest,
  attempts: readonly Attempt[],
  view: SlurmView,
  now: Date,
  isHere: boolean,
): Reconciliation {
  if (manifest.jobId !== null) return { outcome: 'recorded', jobId: manifest.jobId };
  if (manifest.state === 'planned') return { outcome: 'planned' };
  const earlier = new Set(manifest.earlierJobs);
  for (const [by, jobs] of [['squeue', view.queue] as const, ['sacct', view.accounting] as const]) {
    const ids = [
      ...new Set((jobs ?? []).filter((job) => mayBeOf(job, manifest)).map((job) => baseId(job.jobId))),
    ].filter((id) => !earlier.has(id));
    if (ids.length > 1) return { outcome: 'several', jobIds: ids };
    if (ids[0] !== undefined) return { outcome: 'found', jobId: taskId(manifest, ids[0]), by };
  }
  const own = attempts.at(-1)?.jobId;
  if (own && !earlier.has(own)) return { outcome: 'found', jobId: own, by: 'attempt' };
  const unsure = unsureSince(manifest);
  const elapsed = now.getTime() - (unsure ?? Date.parse(manifest.createdAt));
  if (unsure === undefined && elapsed < SUBMITTING_MS) return { outcome: 'submitting' };
  if (view.queue === undefined) return { outcome: 'no-answer' };
  if (unsure === undefined) return { outcome: 'not-found' };
  if (elapsed < SUBMITTING_MS) return { outcome: 'unsettled' };
  const isSettled = elapsed >= SETTLED_MS && view.accounting !== undefined && isHere;
  return { outcome: isSettled ? 'never-accepted' : 'not-found' };
}

/** Milliseconds since 1970, of the newest submission only. */
function unsureSince({ unsure, createdAt }: Manifest): number | undefined {
  const since = Date.parse(unsure?.since ?? '');
  return since >= Date.parse(createdAt) ? since : undefined;
}

/** By name and user: an id alone may be another cluster's. */
export function isOfRun(job: SlurmJob, manifest: Manifest): boolean {
  return job.name === nameInSlurm(manifest) && job.user === manifest.user;
}

/** Seconds that the clocks of this machine and of the controller may differ. */
const SKEW_S = 60;

/**
 * Whether Slurm made this job of the run's submission, for when no answer of sbatch's says so: a name is anybody's, the
 * script's comment is not. A queue that shows none shows another's job; where a site writes comments of its own, and in
 * accounting, which may keep none, the job must at least be no older than the submission.
 */
export function mayBeOf(job: SlurmJob, manifest: Manifest): boolean {
  if (!isOfRun(job, manifest)) return false;
  if (job.comment === commentInSlurm(manifest)) return true;
  if (job.source === 'squeue' && job.comment === null) return false;
  return job.submitTime !== null && job.submitTime >= Date.parse(manifest.createdAt) / 1000 - SKEW_S;
}

/** A task of an array is `12_3`; any other run is its job. */
function taskId({ sweep }: Manifest, jobId: string): string {
  return sweep === undefined ? jobId : `${jobId}_${sweep.task}`;
}

/** `12` of `12_3`, `12_[4-9]` and `12+1`. */
export function baseId(jobId: string): string {
  return jobId.split(/[_+]/)[0] ?? jobId;
}

/** What is known of a job's state, and from whom. */
export interface Knowledge {
  readonly state: JobState;
  /** `attempt` is the record that the job itself writes when it starts and ends. */
  readonly source: 'squeue' | 'sacct' | 'attempt' | 'manifest' | 'none';
  /** The one that was believed, for times, nodes and reasons. */
  readonly job: SlurmJob | undefined;
  readonly exitCode: number | null;
  readonly signal: number | null;
  /** The controller answered; if not, the state is older than now. */
  readonly answered: boolean;
  /** What a person must know to judge it: sentences. */
  readonly notes: readonly string[];
}

/**
 * The state of one run's job. The controller is believed first. Where it knows nothing (any more) accounting is
 * believed about an end, then the end that Slurm once told of, then the job's own record, which knows its exit code but not
 * what Slurm calls that; silence of either is "unknown", never "failed".
 */
export function judgeRun(
  manifest: Manifest,
  jobId: string | null,
  attempts: readonly Attempt[],
  view: SlurmView,
): Knowledge {
  const mine = (job: SlurmJob): boolean =>
    jobId === null ? mayBeOf(job, manifest) : isOfRun(job, manifest) && isPartOf(job.jobId, jobId);
  const own = attempts.filter((attempt) => jobId === null || attempt.jobId === jobId);
  const known = judge(view.queue?.filter(mine), view.accounting?.filter(mine), own);
  const isSaid = known.source === 'squeue' || known.source === 'sacct';
  if (isSaid || manifest.ended === undefined || hasBegunSince(manifest, own)) return known;
  // It may have been put back since: who can say does not answer.
  if (!known.answered)
    return { ...known, notes: [...known.notes, `Slurm's last word of its end was ${manifest.ended}.`] };
  // Slurm has said it once, and was asked again since: it knows the job no more.
  return { ...known, state: jobState(manifest.ended), source: 'manifest', notes: [] };
}

/** The job was started once more after the end that the manifest tells of: by hand, and nobody has asked since. */
function hasBegunSince(manifest: Manifest, own: readonly Attempt[]): boolean {
  return (own.at(-1)?.attempt ?? -1) > (manifest.attempts.at(-1)?.attempt ?? -1);
}

/** The same for jobs that opsctl did not submit: nothing but Slurm knows them. */
export function judgeJob(jobId: string, view: SlurmView): Knowledge {
  const mine = (job: SlurmJob): boolean => job.rawId === jobId || isPartOf(job.jobId, jobId);
  return judge(view.queue?.filter(mine), view.accounting?.filter(mine), []);
}

function judge(
  queue: readonly SlurmJob[] | undefined,
  accounting: readonly SlurmJob[] | undefined,
  attempts: readonly Attempt[],
): Knowledge {
  const answered = queue !== undefined;
  const recorded = accounting && leading(accounting);
  const attempt = attempts.at(-1);
  const queued = queue && leading(queue);
  if (queue && queued) {
    const ended = queued.state.phase === 'ended';
    const exitCode = recorded?.exitCode ?? attempt?.exitCode ?? null;
    return {
      state: queued.state,
      source: 'squeue',
      job: queued,
      exitCode: ended ? exitCode : null,
      signal: ended ? (recorded?.signal ?? null) : null,
      answered,
      notes: severalNote(queue),
    };
  }
  const silent = !answered ? ['Slurm did not answer; this is what is known without it.'] : [];
  if (accounting && recorded && (recorded.state.phase === 'ended' || !answered)) {
    return {
      state: recorded.state,
      source: 'sacct',
      job: recorded,
      exitCode: recorded.exitCode,
      signal: recorded.signal,
      answered,
      notes: [...silent, ...severalNote(accounting)],
    };
  }
  return judgeByAttempt(attempt, answered, silent, recorded);
}

function judgeByAttempt(
  attempt: Attempt | undefined,
  answered: boolean,
  notes: readonly string[],
  recorded: SlurmJob | undefined,
): Knowledge {
  const unknown = { state: UNKNOWN_STATE, job: recorded, exitCode: null, signal: null, answered };
  if (attempt === undefined) {
    return {
      ...unknown,
      source: 'none',
      notes: !answered ? notes : ['Slurm knows no such job (any more), and no record of its own is there.'],
    };
  }
  if (attempt.endedAt === null) {
    const words = !answered
      ? `The job's own record says that attempt ${attempt.attempt} has started and not ended.`
      : `Slurm does not show the job (any more), and attempt ${attempt.attempt} did not record its end: it may have been killed, or its node lost.`;
    return { ...unknown, source: 'attempt', notes: [...notes, words] };
  }
  const { exitCode } = attempt;
  if (!answered || exitCode === null) {
    const words = `The job's own record says that attempt ${attempt.attempt} ended at ${attempt.endedAt} with exit code ${exitCode ?? 'unknown'}.`;
    return { ...unknown, source: 'attempt', exitCode, notes: [...notes, words] };
  }
  const word = exitCode === 0 ? 'COMPLETED' : attempt.reason === 'cancelled' ? 'CANCELLED' : 'FAILED';
  const state = jobState(word);
  return { state, source: 'attempt', job: recorded, exitCode, signal: null, answered, notes };
}

const PHASES = ['running', 'completing', 'suspended', 'pending', 'ended', 'unknown'];

/** Of the tasks of an array or the parts of a heterogeneous job the liveliest stands for all; a failed one before a good one. */
function leading(jobs: readonly SlurmJob[]): SlurmJob | undefined {
  const rank = ({ state }: SlurmJob): number =>
    PHASES.indexOf(state.phase) * 2 + (state.outcome === 'ok' ? 1 : 0);
  return [...jobs].sort((one, other) => rank(one) - rank(other))[0];
}

function severalNote(jobs: readonly SlurmJob[]): string[] {
  if (jobs.length < 2) return [];
  const parts = jobs.map((job) => `${job.jobId} ${job.state.word}`).slice(0, 12);
  return [`The job has ${jobs.length} parts: ${parts.join(', ')}${jobs.length > 12 ? ', …' : ''}.`];
}
