import { expandHostlist } from '../slurm/hostlist.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { type System, shortHostname } from '../system/system.ts';

const LIMIT_MS = 10_000;
/** The kernel speaks of a lost GPU or a killed process a little after it. */
const AFTERWARDS_SECONDS = 60;

/** What the kernel of one node said while a job ran. */
export interface KernelLog {
  readonly name: string;
  readonly text: string;
}

/**
 * The kernel's lines from a job's start to its end, where this machine is one of its nodes and lets the user read them.
 * Another node's are not asked for: that would need a step or a login there.
 */
export async function kernelLog(system: System, job: SlurmJob): Promise<KernelLog | undefined> {
  const { startTime, endTime } = job;
  if (startTime === null || !expandHostlist(job.nodes).includes(shortHostname())) return undefined;
  const until = endTime === null ? [] : [`--until=@${endTime + AFTERWARDS_SECONDS}`];
  const answer = await system.exec(
    ['journalctl', '--dmesg', '--no-pager', '--output=short-iso', `--since=@${startTime}`, ...until],
    { timeoutMs: LIMIT_MS },
  );
  if (answer.missing || answer.timedOut || answer.code !== 0 || answer.stdout === '') return undefined;
  return { name: `kernel log of ${shortHostname()}`, text: answer.stdout };
}
