import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import type { Manifest } from '../run/manifest.ts';
import { saveManifest } from '../run/registry.ts';
import { errorCode, fileError, readIfThere } from '../system/files.ts';
import type { Lease } from '../system/lease.ts';
import type { System } from '../system/system.ts';
import { readStages } from './advance.ts';
import { type PipelineRecord, type StageRecord, savePipeline } from './record.ts';
import type { StageOutcome } from './states.ts';
import { stageStates } from './states.ts';
import { goOn } from './submit.ts';

/**
 * Which stages have to run again: those that failed or never started. One that waits for another's failure has its turn
 * only if that other one runs again. Pure.
 */
export function stagesToRedo(
  stages: readonly Pick<StageRecord, 'name' | 'after' | 'when'>[],
  outcomes: ReadonlyMap<string, StageOutcome>,
): string[] {
  const redo: string[] = [];
  for (const { name, after, when } of stages) {
    const outcome = outcomes.get(name);
    if (outcome !== 'failed' && outcome !== 'never') continue;
    const mayCome = after.some((each) => redo.includes(each) || outcomes.get(each) === 'active');
    if (when !== 'notok' || mayCome) redo.push(name);
  }
  return redo;
}

/**
 * Submits again what failed, and what was to come after it; what has ended well stays. Each runs its own script in its
 * own directory, so that a trainer that can goes on from its newest checkpoint.
 * @returns the names of the stages that were submitted: none when nothing had to be.
 * @throws OpsError 3 when it is not known how a stage ended: it may be running.
 */
export async function resumePipeline(
  system: System,
  record: PipelineRecord,
  lease: Lease,
): Promise<{ redone: readonly string[]; manifests: readonly Manifest[] }> {
  if (record.state === 'submitting') {
    const before = await readStages(system, record);
    const missing = before
      .filter(({ jobId }) => jobId === null)
      .flatMap(({ pipeline }) => pipeline?.stage ?? []);
    return { redone: missing, manifests: await goOn(system, record, lease) };
  }
  const { states, failure } = await stageStates(system, record);
  if (failure) throw failure;
  const unknown = states.filter(({ outcome }) => outcome === 'unknown').map(({ stage }) => stage);
  if (unknown.length > 0)
    throw new OpsError(`it is not known how these stages ended: ${unknown.join(', ')}`, {
      exitCode: EXIT.unknown,
      hint: 'Nothing was submitted, because they may be running. Slurm has forgotten them; look at their logs.',
    });
  const outcomes = new Map(states.map(({ stage, outcome }) => [stage, outcome]));
  const redone = stagesToRedo(record.stages, outcomes);
  const manifests = await readStages(system, record);
  if (redone.length === 0) return { redone, manifests };
  for (const manifest of manifests) {
    await lease.renew();
    if (redone.includes(manifest.pipeline?.stage ?? '')) await reset(system, manifest);
  }
  await savePipeline(system, { ...record, state: 'submitting' });
  return { redone, manifests: await goOn(system, { ...record, state: 'submitting' }, lease) };
}

/** Makes a run that has ended one that Slurm is still to be given. */
async function reset(system: System, manifest: Manifest): Promise<void> {
  const script = (await readIfThere(manifest.script)) ?? '';
  // Its script says whether its trainer goes on from what is there; if not, it must not find it.
  if (!/^#SBATCH --requeue$/m.test(script)) await setAside(manifest);
  const { ended: _, jobId, ...rest } = manifest;
  await saveManifest(system, {
    ...rest,
    state: 'planned',
    jobId: null,
    earlierJobs: [...(manifest.earlierJobs ?? []), ...(jobId === null ? [] : [jobId])],
  });
}

async function setAside({ outputDir, jobId }: Manifest): Promise<void> {
  const checkpoints = join(outputDir, 'checkpoints');
  await rename(checkpoints, `${checkpoints}-of-job-${jobId}`).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw fileError('cannot set aside', checkpoints, error);
  });
}
