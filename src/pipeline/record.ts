import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Plan } from '../run/plan.ts';
import { ensureDirectory, errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import { type System, stateHome } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import type { Source, When } from './expand.ts';
import type { PlannedStage } from './plan.ts';

export interface StageRecord {
  readonly name: string;
  readonly runId: string;
  readonly outputDir: string;
  readonly phase: string;
  readonly trainer: string;
  readonly after: readonly string[];
  readonly when: When;
  readonly sources: readonly Pick<Source, 'parameter' | 'from'>[];
}

/** A pipeline in the state directory. What became of its stages stands in the manifests of their runs. */
export interface PipelineRecord {
  readonly version: 1;
  readonly pipelineId: string;
  readonly createdAt: string;
  readonly file: string;
  /** Where it was submitted: paths in the file are relative to it. */
  readonly cwd?: string;
  readonly fingerprint: string;
  /**
   * - `preparing`: the runs are being written; Slurm knows nothing of them
   * - `submitting`: all runs are written; Slurm has some, and the first ones are held
   * - `submitted`: Slurm has all of them
   */
  readonly state: 'preparing' | 'submitting' | 'submitted';
  readonly stages: readonly StageRecord[];
}

export function pipelineDirectory(system: System, pipelineId: string): string {
  return join(stateHome(system.env), 'pipelines', pipelineId);
}

export async function savePipeline(system: System, record: PipelineRecord): Promise<void> {
  const directory = pipelineDirectory(system, record.pipelineId);
  await ensureDirectory(directory);
  await writeAtomic(join(directory, 'pipeline.json'), `${JSON.stringify(record, undefined, 2)}\n`);
}

export async function forgetPipeline(system: System, pipelineId: string): Promise<void> {
  await rm(pipelineDirectory(system, pipelineId), { recursive: true, force: true });
}

/** Every pipeline of this state directory, newest first; one that cannot be read is left out. */
export async function listPipelines(system: System): Promise<PipelineRecord[]> {
  const directory = join(stateHome(system.env), 'pipelines');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', directory, error);
  });
  const records = await Promise.all(names.map((name) => readPipeline(system, name)));
  return records
    .flatMap((record) => record ?? [])
    .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
}

async function readPipeline(system: System, pipelineId: string): Promise<PipelineRecord | undefined> {
  const text = await readIfThere(join(pipelineDirectory(system, pipelineId), 'pipeline.json'));
  try {
    const found: Partial<PipelineRecord> | undefined = text === undefined ? undefined : JSON.parse(text);
    return found?.version === 1 && Array.isArray(found.stages) ? (found as PipelineRecord) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The pipeline that a person means: its id, the beginning of one, or `last`.
 * @throws UsageError when there is none or more than one.
 */
export async function findPipeline(system: System, name: string): Promise<PipelineRecord> {
  const records = await listPipelines(system);
  const exact = name === 'last' ? records[0] : records.find((record) => record.pipelineId === name);
  if (exact) return exact;
  const begun = records.filter((record) => name !== '' && record.pipelineId.startsWith(name));
  if (begun.length > 1)
    throw new UsageError(
      `"${name}" is the beginning of ${begun.length} pipelines`,
      begun
        .slice(0, 5)
        .map((record) => record.pipelineId)
        .join(', '),
    );
  if (begun[0]) return begun[0];
  const ids = records.map((record) => record.pipelineId);
  throw new UsageError(
    `there is no pipeline "${name}".${didYouMean(name, ids)}`,
    ids.length === 0 ? 'None was submitted yet.' : '"opsctl pipeline status" lists them.',
  );
}

/** Equal for two submissions of the same pipeline: the scripts say all, once the names that hold the time are out. */
export function pipelineFingerprint(pipelineId: string, planned: readonly PlannedStage[]): string {
  const things = planned.map(({ stage, plan }) => [
    stage.name,
    stage.after,
    stage.when,
    plan.script.replaceAll(pipelineId, ''),
  ]);
  return createHash('sha256').update(JSON.stringify(things)).digest('hex').slice(0, 32);
}

export function stageRecord({ stage, runId, plan, input }: PlannedStage): StageRecord {
  return {
    name: stage.name,
    runId,
    outputDir: (plan satisfies Plan).outputDir,
    phase: stage.phase,
    trainer: input.template.trainer,
    after: stage.after,
    when: stage.when,
    sources: stage.sources.map(({ parameter, from }) => ({ parameter, from })),
  };
}
