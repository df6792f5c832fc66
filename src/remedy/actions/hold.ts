import type { Deed } from '../deed.ts';
import type { Seen } from '../entry.ts';
import { jobHeld, runCommand, seeJob } from '../see-job.ts';

const see: Deed['see'] = async (system, { jobId }) => ({ job: await seeJob(system, jobId ?? '') });

function isHeld({ job }: Seen): boolean {
  return job?.phase === 'pending' && /^JobHeld(?:User|Admin)$/.test(job.reason ?? '');
}

/** A job that waits keeps its place and does not start. */
export const hold: Deed = {
  see,
  isSo: (_act, seen) => isHeld(seen),
  held: jobHeld,
  act: runCommand,
  judge: (_act, _before, after) => (isHeld(after) ? 'done' : 'not-done'),
};

/** A job that was held may start. */
export const release: Deed = {
  see,
  isSo: (_act, seen) => seen.job != null && !isHeld(seen),
  held: jobHeld,
  act: runCommand,
  judge: (_act, _before, after) => {
    if (!after.job) return 'unknown';
    return isHeld(after) ? 'not-done' : 'done';
  },
};
