import { EXIT, OpsError } from '../errors.ts';
import { dependencyOptions } from '../run/dependency.ts';
import type { Dependency, Manifest } from '../run/manifest.ts';
import { readRun, saveManifest } from '../run/registry.ts';
import { type Known, knowRuns } from '../run/status.ts';
import { hand } from '../run/submit.ts';
import { complaintOf, slurm } from '../slurm/command.ts';
import { squeue } from '../slurm/squeue.ts';
import { isActive } from '../slurm/states.ts';
import type { Lease } from '../system/lease.ts';
import { currentUser, type System } from '../system/system.ts';
import { dependencyType } from './plan.ts';
import { type PipelineRecord, type StageRecord, savePipeline } from './record.ts';

/** Slurm has said no to a stage: whoever called takes back what was submitted for it. */
export class StageRefused extends OpsError {
  readonly stage: string;

  constructor(stage: string, reason: unknown) {
    const message = reason instanceof Error ? reason.message : String(reason);
    super(`stage ${stage}: ${message}`, {
      ...(reason instanceof OpsError ? { exitCode: reason.exitCode } : {}),
      hint: 'The stages that were submitted before it were cancelled.',
      cause: reason,
    });
    this.stage = stage;
  }
}

/**
 * Gives Slurm every stage that it does not have yet, and lets the first ones go when it has all: until then they are held,
 * so that a pipeline starts as a whole or not at all. May be called again after it was cut short at any point.
 * @throws StageRefused when Slurm says no; OpsError 75 when it is not known whether it took a stage.
 */
export async function advance(system: System, record: PipelineRecord, lease: Lease): Promise<Manifest[]> {
  const manifests = await readStages(system, record);
  const { known, failure } = await knowRuns(system, manifests);
  if (failure) throw failure;
  const done = new Map<string, Manifest>();
  for (const [index, stage] of record.stages.entries()) {
    await lease.renew();
    const manifest = manifests[index];
    const now = known[index];
    if (manifest === undefined || now === undefined) throw new TypeError(`no manifest of ${stage.runId}`);
    done.set(stage.name, await place(system, stage, manifest, now, { done, record, known }));
  }
  await release(system, [...done.values()]);
  await savePipeline(system, { ...record, state: 'submitted' });
  return [...done.values()];
}

/** The manifests of all stages, in their order. */
export async function readStages(system: System, record: PipelineRecord): Promise<Manifest[]> {
  return Promise.all(
    record.stages.map(async ({ name, runId }) => {
      const manifest = await readRun(system, runId);
      if (manifest) return manifest;
      throw new OpsError(`the manifest of the stage ${name} (run ${runId}) is gone`, {
        exitCode: EXIT.unknown,
        hint: `See "opsctl pipeline status ${record.pipelineId}".`,
      });
    }),
  );
}

interface Progress {
  readonly done: ReadonlyMap<string, Manifest>;
  readonly record: PipelineRecord;
  readonly known: readonly Known[];
}

/** One stage: Slurm has it already, or is given it now. */
async function place(
  system: System,
  stage: StageRecord,
  manifest: Manifest,
  now: Known,
  progress: Progress,
): Promise<Manifest> {
  if (manifest.jobId !== null) return manifest;
  // Found by its name: opsctl was killed before it could write the job's id down.
  if (now.jobId !== null) {
    const found: Manifest = { ...manifest, state: 'submitted', jobId: now.jobId };
    await saveManifest(system, found);
    return found;
  }
  if (manifest.state === 'submitting') refuseUnlessSure(stage, now);
  const after = dependenciesOf(stage, progress);
  const intent: Manifest = { ...manifest, state: 'submitting', after };
  // The time of this attempt counts, when it is asked later whether sbatch may still be at work.
  await saveManifest(system, { ...intent, createdAt: system.now().toISOString() });
  let isRefused = false;
  const forget = async (): Promise<void> => {
    isRefused = true;
  };
  // What waits for nothing is held until Slurm has all; the others wait for it.
  const options = after.length === 0 ? ['--hold'] : dependencyOptions(after);
  try {
    return await hand(system, { ...intent, createdAt: system.now().toISOString() }, options, forget);
  } catch (error) {
    throw isRefused ? new StageRefused(stage.name, error) : error;
  }
}

/** The stage was on its way when opsctl was killed. Only a clear no of Slurm's allows a second sbatch. */
function refuseUnlessSure({ name, runId }: StageRecord, now: Known): void {
  if (now.outcome === 'not-found' || now.outcome === 'never-accepted') return;
  throw new OpsError(`stage ${name}: it is not known yet whether Slurm has its job`, {
    exitCode: EXIT.tryAgain,
    hint: `Nothing is submitted twice: try again in a minute, or see "opsctl status ${runId}".`,
  });
}

/** What a stage has to wait for now: Slurm may know a job that has ended as it should no more. */
function dependenciesOf(stage: StageRecord, { done, record, known }: Progress): Dependency[] {
  return stage.after.flatMap((name) => {
    const index = record.stages.findIndex((each) => each.name === name);
    const before = done.get(name);
    const state = known[index]?.knowledge.state;
    if (before?.jobId == null) return [];
    const hasEnded = state?.phase === 'ended' && known[index]?.jobId === before.jobId;
    if (hasEnded && (stage.when === 'any' || (state.outcome === 'ok') === (stage.when === 'ok'))) return [];
    return [{ type: dependencyType(stage.when), jobId: before.jobId, runId: before.runId }];
  });
}

/** Lets the held ones go. Only those that are held now: a person may have released one meanwhile, or cancelled it. */
async function release(system: System, manifests: readonly Manifest[]): Promise<void> {
  const names = manifests.map(({ runId }) => runId);
  const jobs = await squeue(system, { user: currentUser(), names });
  const ids = new Set(manifests.map(({ jobId }) => jobId));
  const held = jobs.filter(
    (job) => ids.has(job.jobId) && isActive(job.state) && job.reason === 'JobHeldUser',
  );
  if (held.length === 0) return;
  const answer = await slurm(system, ['scontrol', 'release', held.map(({ jobId }) => jobId).join(',')]);
  if (answer.ok) return;
  throw new OpsError(`Slurm has the pipeline, but would not let it start: ${complaintOf(answer)}`, {
    exitCode: EXIT.tryAgain,
    hint: 'Its first stage is held. The same command again goes on from here.',
  });
}
