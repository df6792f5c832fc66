import type { JobState } from './states.ts';

/** What Slurm says of one job, whichever command said it. Times are seconds since 1970, durations seconds. */
export interface SlurmJob {
  readonly source: 'squeue' | 'sacct';
  /** As a person types it: `12`, array task `12_3`, waiting array tasks `12_[4-9%2]`, part of a heterogeneous job `12+1`. */
  readonly jobId: string;
  /** The number that Slurm counts by: it differs from `jobId` for array tasks and heterogeneous jobs. */
  readonly rawId: string;
  readonly name: string;
  readonly user: string;
  readonly partition: string;
  readonly state: JobState;
  /** Why the job waits or ended, or null: `Resources`, `BeginTime`, `JobHeldUser`. */
  readonly reason: string | null;
  readonly nodeCount: number;
  /** Hostlist of the allocated nodes; empty while it waits. */
  readonly nodes: string;
  readonly elapsedSeconds: number | null;
  /** Null when unlimited or not known. */
  readonly limitSeconds: number | null;
  readonly submitTime: number | null;
  /** The expected start while it waits, where Slurm has planned one. */
  readonly startTime: number | null;
  readonly endTime: number | null;
  /** What was submitted as its comment; null for none, and where the source does not say. */
  readonly comment: string | null;
  /** Of the batch script, or null where the source does not say; a job ended by a signal has 0 here and the signal's number beside it. */
  readonly exitCode: number | null;
  readonly signal: number | null;
}

/** Which jobs to read: by id, or by user and, if given, name. */
export type JobQuery =
  | { readonly jobIds: readonly string[] }
  | { readonly user: string; readonly names?: readonly string[] };

/** Stands between fields: unlike `|` it is in no job name that was typed. */
export const FIELD_SEPARATOR = '\u001f';

/** A job id as people type it: `12`, array task `12_3`, part of a heterogeneous job `12+1`. */
export function isJobId(text: string): boolean {
  return /^\d{1,10}(?:[_+]\d{1,10})?$/.test(text);
}

/** Slurm's "nothing here" as null. */
export function wordOrNull(text: string): string | null {
  return /^(?:|None|\(null\)|N\/A|None assigned)$/.test(text) ? null : text;
}

/** Hostlist of the nodes for which a job waits and that cannot be had now, as squeue's reason names them; empty for none. */
export function missedNodes({ state, reason }: Pick<SlurmJob, 'state' | 'reason'>): string {
  if (state.phase !== 'pending' || reason === null) return '';
  return /\bUnavailableNodes:([\w.,[\]-]+)/.exec(reason)?.[1] ?? '';
}

/** A whole number of seconds or more, or null for "unlimited" and "not known". */
export function finiteOrNull(seconds: number | undefined): number | null {
  return seconds !== undefined && Number.isFinite(seconds) ? seconds : null;
}

/**
 * Whether what Slurm prints is the job that is meant, or a part of it: `12_3` and `12+1` are of `12`, and the waiting
 * tasks `12_[0,4-9:2%2]` hold `12_6`.
 */
export function isPartOf(printed: string, jobId: string): boolean {
  if (printed === jobId) return true;
  const [base = '', tasks = ''] = printed.split(/[_+]/);
  if (!/[_+]/.test(jobId)) return base === jobId;
  const [wantedBase, wanted = ''] = jobId.split('_');
  if (base !== wantedBase || !tasks.startsWith('[')) return false;
  return tasks
    .slice(1)
    .replace(/%.*|\].*/, '')
    .split(',')
    .some((range) => {
      const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(range);
      if (!match) return false;
      const [first, last, step] = [Number(match[1]), Number(match[2] ?? match[1]), Number(match[3] ?? 1)];
      return Number(wanted) >= first && Number(wanted) <= last && (Number(wanted) - first) % step === 0;
    });
}
