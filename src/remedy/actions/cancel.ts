import type { Deed } from '../deed.ts';
import { jobHeld, runCommand, seeJob } from '../see-job.ts';

/** Ends a job. scancel answers 0 also for a job that it could not end, so only the state counts. */
export const cancel: Deed = {
  see: async (system, { jobId }) => ({ job: await seeJob(system, jobId ?? '') }),
  isSo: (_act, { job }) => job?.phase === 'ended',
  held: jobHeld,
  act: runCommand,
  judge: (_act, _before, { job: after }) => {
    // Slurm has forgotten it, which it does only with what has ended.
    if (!after || after.phase === 'ended') return 'done';
    return after.phase === 'completing' ? 'unknown' : 'not-done';
  },
};
