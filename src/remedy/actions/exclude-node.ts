import { setTimeout as sleep } from 'node:timers/promises';
import { expandHostlist } from '../../slurm/hostlist.ts';
import { currentUser, type System } from '../../system/system.ts';
import type { Deed } from '../deed.ts';
import type { Seen } from '../entry.ts';
import { addExclusions, exclusionMap } from '../exclusion.ts';
import { jobHeld, runCommand, seeJob } from '../see-job.ts';
import type { Act, Step } from '../step.ts';

/** A job that has just been requeued takes no change for some moments. */
const TRIES = 20;
const PAUSE_MS = 300;

/** Keeps nodes out of this user's later jobs for a while, and tells the job that waits now. */
export const excludeNode: Deed = {
  see: async (system, { jobId }) => ({
    exclusions: exclusionMap(system),
    ...(jobId === null ? {} : { job: await seeJob(system, jobId) }),
  }),
  isSo: (act, seen, command) =>
    act.nodes.every((node) => seen.exclusions?.[node]) && isTold(act, seen, command),
  held: jobHeld,
  act: async (system, step) => {
    await remember(system, step);
    if (step.act.jobId === null) return 'written down';
    let said = '';
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) await sleep(PAUSE_MS);
      said = await runCommand(system, step);
      if (isTold(step.act, { job: await seeJob(system, step.act.jobId) }, step.command)) return said;
    }
    return said;
  },
  judge: (act, _before, after, command) =>
    act.nodes.every((node) => after.exclusions?.[node]) && isTold(act, after, command) ? 'done' : 'not-done',
};

async function remember(system: System, { act, reason }: Step): Promise<void> {
  const now = system.now();
  const since = now.toISOString();
  const expires = new Date(now.getTime() + act.seconds * 1000).toISOString();
  const common = { owner: currentUser(), reason, since, expires, runId: act.runId };
  await addExclusions(
    system,
    act.nodes.map((node) => ({ node, ...common })),
  );
}

/** The job excludes all that the command names; a job that is none of this act's has nothing to be told. */
function isTold({ jobId }: Act, { job }: Seen, command: readonly string[]): boolean {
  if (jobId === null) return true;
  const list = command.find((word) => word.startsWith('ExcNodeList='))?.slice('ExcNodeList='.length) ?? '';
  return job != null && expandHostlist(list).every((node) => job.excluded.includes(node));
}
