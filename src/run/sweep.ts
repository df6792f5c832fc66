import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { claimDirectory, writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';
import type { CodeState } from './code.ts';
import { fingerprint } from './fingerprint.ts';
import type { Manifest } from './manifest.ts';
import { valuesOf } from './plan.ts';
import { getReady, type Readiness, refuseCritical, type SubmitRequest } from './ready.ts';
import { claimRecord, dropRecord, forgetRun, saveManifest } from './registry.ts';
import { orderly, type Turn } from './shield.ts';
import { allTheSame, buildManifest, codeOf, inPlace, keepDoubt, settle, writeRun } from './submit.ts';
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
      ({ name, type }) => name in values && ['path', 'paths', 'model', 'string'].includes(type),
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
  const codes = await codesOf(system, sweep);
  return inPlace(dirname(sweep.directory), () =>
    orderly((turn) => handOver(system, sweep, request, readiness, codes, turn)),
  );
}

type Codes = ReadonlyMap<unknown, CodeState | undefined>;

/** The checkouts of all tasks, by what the parameter `code` is in them: git is asked once for each. */
async function codesOf(system: System, { tasks }: SweepPlan): Promise<Codes> {
  const codes = new Map<unknown, CodeState | undefined>();
  for (const { input } of tasks) {
    const named = input.parameters.code?.value;
    if (!codes.has(named)) codes.set(named, await codeOf(system, input));
  }
  return codes;
}

async function handOver(
  system: System,
  sweep: SweepPlan,
  request: SweepRequest,
  readiness: Readiness,
  codes: Codes,
  { refuseIfTold, commit }: Turn,
): Promise<Manifest[]> {
  if (!(await claimDirectory(sweep.directory)))
    throw new UsageError(
      `the directory ${sweep.directory} is in use already`,
      'Give another name or output.',
    );
  const mine: Manifest[] = [];
  const forget = async (): Promise<void> => {
    for (const { runId, outputDir } of mine) await forgetRun(system, runId, outputDir);
    await rm(sweep.directory, { recursive: true, force: true });
  };
  try {
    await mkdir(join(sweep.directory, 'logs'));
    await writeAtomic(sweep.scriptPath, sweep.script, 0o644);
    for (const task of sweep.tasks) {
      const code = codes.get(task.input.parameters.code?.value);
      const manifest = manifestOf(system, sweep, task, request, readiness, code);
      await claim(system, manifest);
      // Before it is written: what fails half-way is taken away as well.
      mine.push(manifest);
      await writeRun(system, task.plan, manifest, code);
      refuseIfTold();
    }
    commit(allTheSame(sweep.sweepId));
  } catch (error) {
    await forget().catch(() => undefined);
    // Who has interrupted it reads that, whatever failed meanwhile.
    refuseIfTold();
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

async function claim(system: System, { runId, outputDir }: Manifest): Promise<void> {
  if (!(await claimRecord(system, runId)))
    throw new UsageError(`there is a run ${runId} already`, 'Give another name.');
  if (await claimDirectory(outputDir)) return;
  await dropRecord(system, runId);
  throw new UsageError(`the output directory ${outputDir} is in use already`, 'Give another name.');
}

function manifestOf(
  system: System,
  { sweepId }: SweepPlan,
  { input, plan, task, values }: SweepTask,
  request: SweepRequest,
  readiness: Readiness,
  code: CodeState | undefined,
): Manifest {
  const { phase, trainer } = input.template;
  const print = fingerprint(phase, trainer, valuesOf(plan.parameters), input.trainerFlags);
  return {
    ...buildManifest(system, plan, requestOf(input, request), readiness, code, print),
    jobName: sweepId,
    sweep: { id: sweepId, task, values },
  };
}
