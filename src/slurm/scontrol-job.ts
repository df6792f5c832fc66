import type { System } from '../system/system.ts';
import { slurm } from './command.ts';

/** What only `scontrol show job` tells: where the job's files are and how often it was requeued. */
export interface JobDetails {
  readonly jobId: string;
  readonly user: string;
  readonly stdout: string | null;
  /** The same file as `stdout` unless the job asked for another. */
  readonly stderr: string | null;
  readonly workDir: string | null;
  readonly restarts: number;
}

/** The last of its kind counts: a job name may hold line ends and look like a field, and it comes first. */
const FIELDS = {
  jobId: /^JobId=(\d+)/,
  user: /^ {3}UserId=([^\s(]+)/gm,
  restarts: /^ {3}.*\bRestarts=(\d+)/gm,
  workDir: /^ {3}WorkDir=(.*)$/gm,
  stdout: /^ {3}StdOut=(.*)$/gm,
  stderr: /^ {3}StdErr=(.*)$/gm,
} as const;

/**
 * The job as the controller knows it, or undefined when it does not (any more).
 * @throws OpsError 69 or 75 from slurm().
 */
export async function showJob(system: System, jobId: string): Promise<JobDetails | undefined> {
  const answer = await slurm(system, ['scontrol', 'show', 'job', jobId]);
  return answer.ok ? parseShowJob(answer.stdout)[0] : undefined;
}

/** Reads one or more records of `scontrol show job`, as they are printed for an array. */
export function parseShowJob(stdout: string): JobDetails[] {
  return stdout
    .split(/\n\s*\n(?=JobId=\d)/)
    .filter((record) => FIELDS.jobId.test(record))
    .map((record) => {
      const last = (field: Exclude<keyof typeof FIELDS, 'jobId'>): string | undefined =>
        [...record.matchAll(FIELDS[field])].at(-1)?.[1];
      return {
        jobId: FIELDS.jobId.exec(record)?.[1] ?? '',
        user: last('user') ?? '',
        stdout: last('stdout') || null,
        stderr: last('stderr') || null,
        workDir: last('workDir') || null,
        restarts: Number(last('restarts') ?? 0),
      };
    });
}
