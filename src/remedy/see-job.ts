import { EXIT, OpsError } from '../errors.ts';
import { lastLine, slurm } from '../slurm/command.ts';
import { expandHostlist } from '../slurm/hostlist.ts';
import { findJob } from '../slurm/scontrol-job.ts';
import { squeue } from '../slurm/squeue.ts';
import { currentUser, type System } from '../system/system.ts';
import type { Seen } from './entry.ts';
import type { Held } from './rails.ts';
import type { Step } from './step.ts';

type SeenJob = NonNullable<Seen['job']>;

/**
 * A job as the controller has it at this moment; null when it says that it knows no such job: an empty queue does not say so.
 * @throws OpsError 69 or 75 when the controller does not answer, or with two tongues.
 */
export async function seeJob(system: System, jobId: string): Promise<SeenJob | null> {
  const [jobs, details] = await Promise.all([squeue(system, { jobIds: [jobId] }), findJob(system, jobId)]);
  const [job] = jobs;
  if (job === undefined && details === undefined) return null;
  if (job === undefined)
    throw new OpsError(`squeue does not show job ${jobId}, and scontrol does`, { exitCode: EXIT.tryAgain });
  return {
    phase: job.state.phase,
    word: job.state.word,
    restarts: details?.restarts ?? 0,
    reason: job.reason,
    user: job.user,
    excluded: expandHostlist(details?.excluded ?? ''),
    parts: jobs.length,
    startTime: job.startTime,
  };
}

/**
 * The rails about jobs, on the state of this moment: it must be the same attempt in the same phase as when the plan was
 * made, and this user's.
 */
export function jobHeld({ act, expects }: Step, { job }: Seen): Held | undefined {
  if (act.jobId === null) return undefined;
  if (!job) return { rail: 'blind', why: `Slurm shows no job ${act.jobId}` };
  if (job.user !== currentUser()) return { rail: 'not-ours', why: `job ${act.jobId} is ${job.user}'s` };
  if (job.parts > 1) return { rail: 'array', why: `${act.jobId} has ${job.parts} parts: name one of them` };
  if (expects.restarts !== null && job.restarts !== expects.restarts)
    return {
      rail: 'stale',
      why: `the job was restarted since the plan was made (${job.restarts} times now)`,
    };
  if (!expects.phases.includes(job.phase))
    return { rail: 'stale', why: `the job is ${job.word} now, and was not when the plan was made` };
  return undefined;
}

/** Runs the step's own command as it was shown, and gives Slurm's last word: what became of it is seen elsewhere. */
export async function runCommand(system: System, { command }: Pick<Step, 'command'>): Promise<string> {
  const answer = await slurm(system, command);
  return lastLine(answer.stderr) || lastLine(answer.stdout) || `exit code ${answer.code}`;
}
