import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { lastLine, slurm } from './command.ts';
import { wordOrNull } from './job.ts';

/** What only `scontrol show job` tells: where the job's files are and how often it was requeued. */
export interface JobDetails {
  readonly jobId: string;
  readonly user: string;
  readonly stdout: string | null;
  /** The same file as `stdout` unless the job asked for another. */
  readonly stderr: string | null;
  readonly workDir: string | null;
  readonly restarts: number;
  /** Slurm may start it again: `sbatch --requeue`. */
  readonly mayRequeue: boolean;
  /** Hostlist of the nodes that it must not run on; empty for none. */
  readonly excluded: string;
  /** Hostlist of the nodes that it must run on; empty for none. */
  readonly required: string;
}

/** The last of its kind counts: a job name may hold line ends and look like a field, and it comes first. */
const FIELDS = {
  jobId: /^JobId=(\d+)/,
  user: /^ {3}UserId=([^\s(]+)/gm,
  restarts: /^ {3}.*\bRestarts=(\d+)/gm,
  mayRequeue: /^ {3}Requeue=(\d)/gm,
  excluded: /^ {3}.*\bExcNodeList=(\S*)/gm,
  required: /^ {3}ReqNodeList=(\S*)/gm,
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

/**
 * As showJob, where it matters that silence is not "no such job": undefined only when the controller says so.
 * @throws OpsError 69 or 75 from slurm(); 75 when scontrol failed in any other way.
 */
export async function findJob(system: System, jobId: string): Promise<JobDetails | undefined> {
  const answer = await slurm(system, ['scontrol', 'show', 'job', jobId]);
  const found = answer.ok ? parseShowJob(answer.stdout)[0] : undefined;
  if (found || /Invalid job id/i.test(answer.stderr)) return found;
  const said = lastLine(answer.stderr) || 'nothing was printed';
  throw new OpsError(`scontrol show job ${jobId} failed: ${said}`, { exitCode: EXIT.tryAgain });
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
        mayRequeue: last('mayRequeue') === '1',
        excluded: wordOrNull(last('excluded') ?? '') ?? '',
        required: wordOrNull(last('required') ?? '') ?? '',
      };
    });
}
