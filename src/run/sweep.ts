import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { claimDirectory, ensureDirectory, writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { fingerprint } from './fingerprint.ts';
import type { Manifest } from './manifest.ts';
import { valuesOf } from './plan.ts';
import { getReady, type Readiness, refuseCritical, type SubmitRequest } from './ready.ts';
import { claimRecord, dropRecord, forgetRun, saveManifest } from './registry.ts';
import { buildManifest, codeOf, keepDoubt, settle, writeRun } from './submit.ts';
import type { SweepPlan, SweepTask } from './sweep-plan.ts';

export type SweepRequest = Pick<SubmitRequest, 'preflight' | 'sbatchOptions' | 'chain'>;

/**
 * Looks at the first task, with the array's script, and at every other whose paths differ from those of one before it:
 * a sweep over numbers is looked at once.
 * @throws NotReady when one could not start.
 */
export async function checkSweep(
  system: System,
  sweep: SweepPlan,
  request: SweepRequest,
): Promise<Readiness> {
  const seen = new Set<string>();
  let first: Readiness | undefined;
  for (const { input, plan, values } of sweep.tasks) {
    const texts = input.template.parameters.filter(
      ({ name, type }) => name in values && (type === 'path' || type === 'model' || type === 'string'),
    );
    const key = JSON.stringify(texts.map(({ name }) => values[name]));
    if (seen.has(key)) continue;
    seen.add(key);
    const script = first === undefined ? sweep.script : plan.script;
    const readiness = await getReady(system, { ...plan, script }, requestOf(input, request));
    refuseCritical(readiness, plan);
    first ??= readiness;
  }
  if (first === undefined) throw new TypeError('a sweep without tasks');
  return first;
}

function requestOf(input: SweepTask['input'], request: SweepRequest): SubmitRequest {
  return { ...input, ...request, again: true };
}

/**
 * Submits all runs of a sweep as one array. As for a single run every manifest is on disk before sbatch is called, and what
 * was written goes away only when Slurm has said no.
 * @returns the manifests of the tasks, in their order.
 */
export async function submitSweep(
  system: System,
  sweep: SweepPlan,
  request: SweepRequest,
  readiness: Readiness,
): Promise<Manifest[]> {
  await ensureDirectory(dirname(sweep.directory), 0o755);
  if (!(await claimDirectory(sweep.directory)))
    throw new UsageError(
      `the directory ${sweep.directory} is in use already`,
      'Give another --name or --output.',
    );
  const mine: Manifest[] = [];
  const forget = async (): Promise<void> => {
    for (const { runId, outputDir } of mine) await forgetRun(system, runId, outputDir);
    await rm(sweep.directory, { recursive: true, force: true });
  };
  try {
    await mkdir(join(sweep.directory, 'logs'));
    await writeAtomic(sweep.scriptPath, sweep.script, 0o644);
    for (const task of sweep.tasks) mine.push(await prepare(system, sweep, task, request, readiness));
  } catch (error) {
    await forget().catch(() => undefined);
    throw error;
  }
  const [first, ...others] = mine;
  if (first === undefined) throw new TypeError('a sweep without tasks');
  const script = { ...first, script: sweep.scriptPath };
  const answer = await settle(system, script, request.sbatchOptions, forget).catch(async (error: unknown) => {
    await keepDoubt(system, mine, error);
    throw error;
  });
  const submitted = [first, ...others].map(
    (manifest): Manifest => ({
      ...manifest,
      state: 'submitted',
      jobId: `${answer.jobId}_${manifest.sweep?.task}`,
      cluster: answer.cluster ?? manifest.cluster,
    }),
  );
  for (const manifest of submitted) await saveManifest(system, manifest);
  return submitted;
}

async function prepare(
  system: System,
  { sweepId }: SweepPlan,
  { input, plan, task, values }: SweepTask,
  request: SweepRequest,
  readiness: Readiness,
): Promise<Manifest> {
  if (!(await claimRecord(system, plan.runId)))
    throw new UsageError(`there is a run ${plan.runId} already`, 'Give another --name.');
  if (!(await claimDirectory(plan.outputDir))) {
    await dropRecord(system, plan.runId);
    throw new UsageError(`the output directory ${plan.outputDir} is in use already`, 'Give another --name.');
  }
  const { phase, trainer } = input.template;
  const print = fingerprint(phase, trainer, valuesOf(plan.parameters), input.trainerFlags);
  const code = await codeOf(system, input);
  const manifest: Manifest = {
    ...buildManifest(system, plan, requestOf(input, request), readiness, code, print),
    jobName: sweepId,
    sweep: { id: sweepId, task, values },
  };
  await writeRun(system, plan, manifest, code);
  return manifest;
}
