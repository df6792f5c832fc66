import { readdir, rename } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { OpsError, UsageError } from '../errors.ts';
import { errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { refuseReplaceable, refuseUntrusted } from '../system/trusted.ts';
import { gateRecord } from './gate.ts';
import type { Manifest } from './manifest.ts';
import { type Plan, type PlanInput, planRun } from './plan.ts';
import { saveManifest } from './registry.ts';
import { hand } from './submit.ts';

/**
 * Submits a run that has ended once more, as the same run: in its own directory, so that it goes on from its newest
 * checkpoint. With `input` its script is rendered anew; the old one stays beside it, under the name of its job.
 * @param options of sbatch, beside the script's own.
 * @throws OpsError 1 when Slurm refuses: then the run is as it was; and when others could have written the script. 75 when
 * it is not known whether Slurm took the job.
 */
export async function resubmitRun(
  system: System,
  manifest: Manifest,
  input: PlanInput | null,
  options: readonly string[],
): Promise<Manifest> {
  const { jobId } = manifest;
  if (jobId === null) throw new OpsError(`it is not known which job the run ${manifest.runId} is`);
  refuseReplaceable(manifest.outputDir);
  const changed = input === null ? manifest : await renderAnew(manifest, input);
  // Slurm runs it in this user's name.
  refuseUntrusted(manifest.script);
  const { ended: _, ...rest } = changed;
  const intent: Manifest = {
    ...rest,
    replaces: replaced(manifest),
    // From now on counts, when it is asked later whether sbatch may still be at work.
    createdAt: system.now().toISOString(),
    state: 'submitting',
    jobId: null,
    earlierJobs: [...(manifest.earlierJobs ?? []), jobId],
  };
  await saveManifest(system, intent);
  return hand(system, intent, options, async () => {
    await takeScriptsBack(manifest, jobId);
    await saveManifest(system, manifest);
  });
}

/**
 * The run as it was before a submission that certainly never reached Slurm: its last job is its job again, and what was
 * to be different is not. Or a change that is relative would be made twice by a second try.
 */
export async function takeBackSubmission(system: System, manifest: Manifest): Promise<void> {
  const earlier = manifest.earlierJobs ?? [];
  const jobId = manifest.jobId ?? earlier.at(-1);
  // A stage that is planned has its new script already.
  if (jobId === undefined || manifest.state === 'planned') return;
  await takeScriptsBack(manifest, jobId);
  if (manifest.jobId !== null || manifest.state !== 'submitting') return;
  const { earlierJobs: _, replaces, gate, ...rest } = manifest;
  const before = earlier.slice(0, -1);
  await saveManifest(system, {
    ...rest,
    // What an older opsctl has begun does not say it.
    ...(replaces ?? gateOf(gate)),
    state: 'submitted',
    jobId,
    ...(before.length > 0 ? { earlierJobs: before } : {}),
  });
}

function replaced({ createdAt, ended, parameters, gpuHours, gate }: Manifest): Manifest['replaces'] & object {
  return { createdAt, parameters, gpuHours, ...gateOf(gate), ...(ended === undefined ? {} : { ended }) };
}

function gateOf(gate: Manifest['gate']): Pick<Manifest, 'gate'> {
  return gate === undefined ? {} : { gate };
}

/**
 * Writes the script of a run that has ended anew, in its place; the old one stays beside it, under the name of its job.
 * @returns the manifest as it has to be, not yet written.
 */
export async function renderAnew(manifest: Manifest, input: PlanInput): Promise<Manifest> {
  const { script, jobId } = manifest;
  const plan = planAnew(manifest, input);
  await replace(script, plan.script, `${jobId}`);
  if (plan.gate) await replace(plan.gate.path, plan.gate.script, `${jobId}`);
  const { gate: _, ...rest } = manifest;
  return { ...rest, parameters: plan.parameters, gpuHours: plan.gpuHours, ...gateRecord(plan.gate) };
}

/**
 * The script of a run that has ended, anew. Pure.
 * @throws UsageError when with this input it would not be the same run.
 */
export function planAnew({ runId, outputDir, script }: Manifest, input: PlanInput): Plan {
  const name = { value: runId, source: 'recipe' as const, where: `the run ${runId}` };
  const plan = planRun({ ...input, parameters: { ...input.parameters, name } });
  if (plan.outputDir === outputDir && plan.scriptPath === script) return plan;
  throw new UsageError(
    `the run would move from ${outputDir} to ${plan.outputDir}`,
    'A run is submitted again in its own directory; for another one use "opsctl rerun".',
  );
}

/** The text goes into the file's place; what was there stays beside it, under the name of its job. */
async function replace(path: string, text: string, jobId: string): Promise<void> {
  const old = await readIfThere(path);
  const aside = asideOf(path, jobId);
  // Written beside first: the file's own name never stands for nothing.
  if (old !== undefined && old !== text && (await readIfThere(aside)) === undefined)
    await writeAtomic(aside, old, 0o644);
  await writeAtomic(path, text, 0o644);
}

/** `job-12.sbatch` of `job.sbatch`. */
function asideOf(path: string, jobId: string): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-${jobId}${ext}`);
}

/** Script and gate of a job that has ended, in their own places again, where others were to follow them. */
async function takeScriptsBack({ script, gate }: Manifest, jobId: string): Promise<void> {
  for (const path of [script, ...(gate ? [gate.path] : [])])
    await rename(asideOf(path, jobId), path).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw fileError('cannot write', path, error);
    });
}

/** Under this a checkpoint is none: trainers and scripts look at names. */
const ASIDE = 'set-aside-';

/**
 * Moves checkpoints out of the way, without deleting them, so that a trainer goes on from an older one.
 * @param names of directories in `directory`.
 */
export async function setCheckpointsAside(
  directory: string,
  names: readonly string[],
  mark: string,
): Promise<void> {
  for (const name of names) await rename(join(directory, name), join(directory, `${ASIDE}${mark}-${name}`));
}

/** Gives them their names again, where nothing else has one meanwhile. */
export async function takeCheckpointsBack(directory: string, mark: string): Promise<void> {
  const prefix = `${ASIDE}${mark}-`;
  const names = await readdir(directory);
  for (const name of names.filter((each) => each.startsWith(prefix))) {
    const own = name.slice(prefix.length);
    if (!names.includes(own)) await rename(join(directory, name), join(directory, own));
  }
}
