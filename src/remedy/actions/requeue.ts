import type { Deed } from '../deed.ts';
import { jobHeld, runCommand, seeJob } from '../see-job.ts';

/** The same job once more, by Slurm. Only a restart that Slurm has counted, or a job that waits again, is one. */
export const requeue: Deed = {
  see: async (system, { jobId }) => ({ job: await seeJob(system, jobId ?? '') }),
  isSo: () => false,
  held: jobHeld,
  act: runCommand,
  judge: (_act, { job: before }, { job: after }) => {
    if (!before || !after) return 'unknown';
    if (after.restarts > before.restarts) return 'done';
    if (after.phase === 'pending') return 'done';
    // A job that is being taken from its nodes says neither yet.
    if (after.phase === 'completing' && before.phase !== 'completing') return 'unknown';
    return 'not-done';
  },
};
