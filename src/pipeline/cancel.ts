import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../run/manifest.ts';
import { knowRuns } from '../run/status.ts';
import { slurm } from '../slurm/command.ts';
import { isActive } from '../slurm/states.ts';
import type { System } from '../system/system.ts';

/** As for a single run: a job that has its signal needs some seconds to die. */
const LOOKS = 12;
const PAUSE_MS = 400;

/**
 * Cancels every stage that waits or runs, all at once, so that none starts because another has ended.
 * @returns the ids of jobs that are still there; what scancel says is no proof, the queue is.
 * @throws OpsError 69 or 75 when Slurm does not answer.
 */
export async function cancelStages(system: System, manifests: readonly Manifest[]): Promise<string[]> {
  let active = await activeJobs(system, manifests);
  if (active.length > 0) await slurm(system, ['scancel', ...active]);
  for (let look = 0; look < LOOKS && active.length > 0; look++) {
    if (look > 0) await sleep(PAUSE_MS);
    active = await activeJobs(system, manifests);
  }
  return active;
}

async function activeJobs(system: System, manifests: readonly Manifest[]): Promise<string[]> {
  const { known, failure } = await knowRuns(system, manifests);
  if (failure) throw failure;
  return known.flatMap(({ jobId, knowledge }) =>
    jobId !== null && isActive(knowledge.state) && knowledge.state.phase !== 'completing' ? [jobId] : [],
  );
}
