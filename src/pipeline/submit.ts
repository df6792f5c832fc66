import { dirname } from 'node:path';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import { worst } from '../health/verdict.ts';
import type { Manifest } from '../run/manifest.ts';
import { getReady, NotReady, type Readiness, refuseCritical, type SubmitRequest } from '../run/ready.ts';
import { claimRecord, dropRecord, forgetRun, readRun } from '../run/registry.ts';
import { buildManifest, codeOf, writeRun } from '../run/submit.ts';
import { squeue } from '../slurm/squeue.ts';
import { claimDirectory, ensureDirectory } from '../system/files.ts';
import type { Lease } from '../system/lease.ts';
import { currentUser, type System } from '../system/system.ts';
import { advance, readStages, StageRefused } from './advance.ts';
import { cancelStages } from './cancel.ts';
import type { PlannedStage } from './plan.ts';
import { forgetPipeline, type PipelineRecord, savePipeline } from './record.ts';

export interface CheckedStage extends PlannedStage {
  readonly request: SubmitRequest;
  readonly readiness: Readiness;
}

/** Stages that are looked at together: each asks Slurm once and reads its data. */
const AT_ONCE = 4;

/** Looks at every stage as `opsctl submit` would, but for what earlier stages will have left. Changes nothing. */
export async function checkStages(
  system: System,
  pipelineId: string,
  planned: readonly PlannedStage[],
  preflight: boolean,
): Promise<CheckedStage[]> {
  const checked: CheckedStage[] = [];
  for (let start = 0; start < planned.length; start += AT_ONCE) {
    const some = planned.slice(start, start + AT_ONCE).map(async (each): Promise<CheckedStage> => {
      const request = requestOf(pipelineId, each, preflight);
      return { ...each, request, readiness: await getReady(system, each.plan, request) };
    });
    checked.push(...(await Promise.all(some)));
  }
  return checked;
}

/** @throws NotReady for the first stage that could not start; nothing was submitted. */
export function refuseCriticalStages(checked: readonly CheckedStage[]): void {
  for (const { stage, plan, readiness } of checked) {
    try {
      refuseCritical(readiness, plan);
    } catch (error) {
      if (error instanceof NotReady)
        throw new NotReady(`stage ${stage.name}: ${error.message}`, plan, readiness);
      throw error;
    }
  }
}

export function statusOfChecks(checked: readonly CheckedStage[]): Readiness['status'] {
  return worst(checked.map(({ readiness }) => readiness.status));
}

function requestOf(pipelineId: string, { stage, input }: PlannedStage, preflight: boolean): SubmitRequest {
  return {
    ...input,
    again: true,
    preflight,
    sbatchOptions: [],
    chain: {
      pipeline: { id: pipelineId, stage: stage.name },
      upstream: (input.upstream ?? []).map(({ parameter, runId, link }) => ({ parameter, runId, link })),
    },
  };
}

/**
 * Submits a pipeline: all runs are written down before Slurm hears of the first, so that whatever happens the same
 * command goes on from there.
 * @throws StageRefused when Slurm says no to one; then nothing is left of any.
 */
export async function submitPipeline(
  system: System,
  record: PipelineRecord,
  checked: readonly CheckedStage[],
  lease: Lease,
): Promise<Manifest[]> {
  // Where Slurm is not there or does not answer nothing is begun.
  await squeue(system, { user: currentUser(), names: checked.map(({ runId }) => runId) });
  await savePipeline(system, record);
  const mine: CheckedStage[] = [];
  try {
    for (const each of checked) {
      await lease.renew();
      await claim(system, each);
      mine.push(each);
      await write(system, each, record.fingerprint);
    }
    await savePipeline(system, { ...record, state: 'submitting' });
  } catch (error) {
    for (const { plan } of mine) await forgetRun(system, plan.runId, plan.outputDir).catch(() => undefined);
    await forgetPipeline(system, record.pipelineId).catch(() => undefined);
    throw error;
  }
  return goOn(system, { ...record, state: 'submitting' }, lease);
}

/** Goes on with a pipeline that Slurm has in part, and takes it back when Slurm refuses a stage of it. */
export async function goOn(system: System, record: PipelineRecord, lease: Lease): Promise<Manifest[]> {
  try {
    return await advance(system, record, lease);
  } catch (error) {
    if (error instanceof StageRefused) await takeBack(system, record);
    throw error;
  }
}

/**
 * Takes a pipeline back of which nothing has run: cancels what Slurm has, and deletes what was written.
 * @throws OpsError when a job is still there afterwards: then everything stays, so that it can be found.
 */
async function takeBack(system: System, record: PipelineRecord): Promise<void> {
  const manifests = await readStages(system, record);
  // A stage that was submitted before this time has files of its own: those of a resumed pipeline stay.
  const isNew = manifests.every(({ earlierJobs }) => earlierJobs === undefined);
  const left = await cancelStages(system, manifests);
  if (left.length > 0)
    throw new OpsError(`a stage was refused, and these jobs could not be cancelled: ${left.join(', ')}`, {
      exitCode: EXIT.tryAgain,
      hint: `"opsctl pipeline cancel ${record.pipelineId}" tries again.`,
    });
  if (isNew) await forgetStages(system, record);
}

/** Deletes what was written for a pipeline that Slurm does not have; never a directory that is not one of its own. */
export async function forgetStages(system: System, record: PipelineRecord): Promise<void> {
  for (const { runId, outputDir } of record.stages) {
    const isOwn = (await readRun(system, runId))?.pipeline?.id === record.pipelineId;
    if (isOwn) await forgetRun(system, runId, outputDir);
    else await dropRecord(system, runId);
  }
  await forgetPipeline(system, record.pipelineId);
}

async function claim(system: System, { plan: { runId, outputDir } }: CheckedStage): Promise<void> {
  await ensureDirectory(dirname(outputDir), 0o755);
  if (!(await claimRecord(system, runId)))
    throw new UsageError(`there is a run ${runId} already`, 'Give the pipeline another name.');
  if (await claimDirectory(outputDir)) return;
  await dropRecord(system, runId);
  throw new UsageError(
    `the output directory ${outputDir} is in use already`,
    'Give the pipeline another name.',
  );
}

async function write(system: System, each: CheckedStage, fingerprint: string): Promise<void> {
  const { plan, request, readiness } = each;
  const code = await codeOf(system, request);
  const manifest = buildManifest(system, plan, request, readiness, code, `${fingerprint}-${each.stage.name}`);
  await writeRun(system, plan, { ...manifest, state: 'planned' }, code);
}
