import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import type { Manifest } from '../run/manifest.ts';
import { saveManifest } from '../run/registry.ts';
import { renderAnew } from '../run/resubmit.ts';
import { errorCode, fileError, readIfThere } from '../system/files.ts';
import type { Lease } from '../system/lease.ts';
import type { System } from '../system/system.ts';
import { refuseReplaceable, refuseUntrusted } from '../system/trusted.ts';
import { readStages } from './advance.ts';
import type { PlannedStage } from './plan.ts';
import { type PipelineRecord, pipelineFingerprint, type StageRecord, savePipeline } from './record.ts';
import { refuseOthers, revisions } from './revise.ts';
import type { StageOutcome } from './states.ts';
import { stageStates } from './states.ts';
import { checkStages, goOn, refuseCriticalStages } from './submit.ts';

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
 * @param edited the stages as their file describes them now: those that run again are rendered anew from it.
 * @param preflight look first whether those could start.
 * @returns the names of the stages that were submitted: none when nothing had to be.
 * @throws OpsError 3 when it is not known how a stage ended: it may be running; UsageError when a stage was changed that does
 * not run again; NotReady when one that was changed could not start.
 */
export async function resumePipeline(
  system: System,
  record: PipelineRecord,
  lease: Lease,
  edited?: readonly PlannedStage[],
  preflight = true,
): Promise<{ redone: readonly string[]; manifests: readonly Manifest[] }> {
  if (record.state === 'submitting') {
    if (edited)
      throw new UsageError(
        `the submission of ${record.pipelineId} was cut short`,
        'Resume it as it is first; what fails afterwards can be resumed from the edited file.',
      );
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
  if (edited) refuseOthers(revisions(record, manifests, edited), redone);
  if (redone.length === 0) return { redone, manifests };
  const anew = (edited ?? []).filter(({ stage }) => redone.includes(stage.name));
  refuseCriticalStages(await checkStages(system, record.pipelineId, anew, preflight));
  for (const manifest of manifests) {
    await lease.renew();
    if (!redone.includes(manifest.pipeline?.stage ?? '')) continue;
    const now = anew.find(({ runId }) => runId === manifest.runId);
    await reset(system, manifest, now);
  }
  const next: PipelineRecord = {
    ...record,
    ...(edited ? { fingerprint: pipelineFingerprint(record.pipelineId, edited) } : {}),
    state: 'submitting',
  };
  await savePipeline(system, next);
  return { redone, manifests: await goOn(system, next, lease) };
}

/** Makes a run that has ended one that Slurm is still to be given. */
async function reset(system: System, manifest: Manifest, now: PlannedStage | undefined): Promise<void> {
  refuseReplaceable(manifest.outputDir);
  const script = (await readIfThere(manifest.script)) ?? '';
  // Its script says whether its trainer goes on from what is there; if not, it must not find it.
  if (!/^#SBATCH --requeue$/m.test(script)) await setAside(manifest);
  const next = now
    ? { ...(await renderAnew(manifest, now.input)), trainerFlags: now.input.trainerFlags }
    : manifest;
  // Slurm runs it in this user's name.
  refuseUntrusted(manifest.script);
  const { ended: _, jobId, ...rest } = next;
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
