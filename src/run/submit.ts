import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import { checkLogin, type LoginChecks } from '../health/login.ts';
import { type Status, type Verdict, worst } from '../health/verdict.ts';
import { sbatch, sbatchTestOnly, type TestOnly } from '../slurm/sbatch.ts';
import { claimDirectory, ensureDirectory, together, writeAtomic } from '../system/files.ts';
import { currentUser, type System } from '../system/system.ts';
import { type CodeState, codeState } from './code.ts';
import { fingerprint } from './fingerprint.ts';
import type { Manifest } from './manifest.ts';
import { type Plan, type PlanInput, planRun, valuesOf } from './plan.ts';
import { forgetRun, lookUpRun, releaseFingerprint, saveManifest } from './registry.ts';
import { refuseSecrets, tellingEnvironment } from './secrets.ts';
import { claimTurn } from './turn.ts';

export interface SubmitRequest extends PlanInput {
  /** Submit even though the same thing is queued or running. */
  readonly again: boolean;
  readonly preflight: boolean;
  /** Options of sbatch beside the script's own, such as a dependency. */
  readonly sbatchOptions: readonly string[];
}

/** What was found before the queue. */
export interface Readiness {
  readonly status: Status;
  readonly verdicts: readonly Verdict[];
  readonly data: LoginChecks['data'];
  readonly slurm: TestOnly | null;
}

export interface Submission {
  readonly manifest: Manifest;
  readonly readiness: Readiness;
}

/** Looks at paths and asks Slurm whether it would take the script, both at once. Changes nothing. */
export async function getReady(system: System, plan: Plan, request: SubmitRequest): Promise<Readiness> {
  refuseSecrets(valuesOf(plan.parameters), request.trainerFlags);
  if (!request.preflight)
    return { status: 'unknown', verdicts: [], data: { files: 0, bytes: 0, problems: [] }, slurm: null };
  const values = valuesOf(plan.parameters);
  const paths = {
    model: String(values.model),
    data: String(values.data),
    dataSuffix: String(values.data_suffix ?? ''),
    dataKeys: request.template.front.data_keys ?? [],
    output: String(values.output),
  };
  const [checks, slurm] = await Promise.all([
    checkLogin(paths),
    sbatchTestOnly(system, plan.script, request.sbatchOptions),
  ]);
  const verdicts = [...checks.verdicts, slurmVerdict(slurm)];
  return { status: worst(verdicts.map((verdict) => verdict.status)), verdicts, data: checks.data, slurm };
}

function slurmVerdict(slurm: TestOnly): Verdict {
  const common = { check: 'slurm-accepts', node: 'controller', fact: 'test-only', limit: null, seconds: 0 };
  if (slurm.accepted) {
    return {
      ...common,
      status: 'ok',
      message: slurm.start ? `Slurm would start it at ${slurm.start}` : 'Slurm would take it',
      value: slurm.start,
      fix: null,
    };
  }
  return {
    ...common,
    status: 'critical',
    message: `Slurm would refuse it: ${slurm.reason}`,
    value: null,
    fix: 'sinfo -o "%P %a %l %D %G"',
  };
}

/**
 * Submits one run. The order is the promise: the intent is on disk before sbatch is called, so that a job that
 * Slurm took is found again after a crash at any point; and whatever was written is taken away when Slurm refuses.
 * @throws UsageError when the same thing or the directory is in use; OpsError when a check is critical (2), Slurm
 * refuses (1), is not there (69), or does not answer (75).
 */
export async function submitRun(system: System, request: SubmitRequest): Promise<Submission> {
  const plan = planRun(request);
  const [readiness, code] = await Promise.all([getReady(system, plan, request), codeOf(system, plan)]);
  refuseCritical(readiness);
  const print = fingerprint(
    request.template.phase,
    request.template.trainer,
    valuesOf(plan.parameters),
    request.trainerFlags,
  );
  await ensureDirectory(dirname(plan.outputDir), 0o755);
  const placed = await claimPlace(system, plan, request);
  const forget = async () => {
    await releaseFingerprint(system, print, placed.runId);
    await forgetRun(system, placed.runId, placed.outputDir);
  };
  let manifest: Manifest;
  try {
    manifest = buildManifest(system, placed, request, readiness, code, print);
    await writeRun(system, placed, manifest, code);
    // After the manifest, so that whoever finds this claim finds what it is about.
    if (!request.again) await claimTurn(system, print, placed.runId);
  } catch (error) {
    // A disk that is full or read-only may refuse even this; the first reason is the one to read.
    await forget().catch(() => undefined);
    throw error;
  }
  return { manifest: await hand(system, manifest, request.sbatchOptions, forget), readiness };
}

/** From here on Slurm may have the job: what was written goes away only when Slurm has said no. */
async function hand(
  system: System,
  manifest: Manifest,
  options: readonly string[],
  forget: () => Promise<void>,
): Promise<Manifest> {
  const answer = await sbatch(system, manifest.script, options).catch((error: unknown) =>
    notSure(error, manifest),
  );
  if (!answer.accepted) {
    await forget();
    throw new OpsError(`Slurm refused the job: ${answer.reason}`, { hint: 'Nothing was left behind.' });
  }
  const submitted: Manifest = {
    ...manifest,
    state: 'submitted',
    jobId: answer.jobId,
    cluster: answer.cluster ?? manifest.cluster,
  };
  try {
    await saveManifest(system, submitted);
  } catch (error) {
    // The job carries the run's id as its name and comment: `opsctl status` finds it by that.
    throw new OpsError(
      `Slurm has taken the job as ${answer.jobId}, but that could not be written down: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: `Nothing is lost: "opsctl status ${manifest.runId}" finds the job by its name.`,
        cause: error,
      },
    );
  }
  return submitted;
}

/** No answer is no refusal: Slurm may have taken the job before the line went dead, so the intent stays. */
function notSure(error: unknown, manifest: Manifest): never {
  if (!(error instanceof OpsError) || error.exitCode !== EXIT.tryAgain) throw error;
  throw new OpsError(`${error.message}\n  It is not known whether Slurm took the job.`, {
    exitCode: EXIT.tryAgain,
    hint: `Do not submit it again before "opsctl status ${manifest.runId}" has said so: it looks for the job by its name.`,
    cause: error,
  });
}

async function codeOf(system: System, plan: Plan): Promise<CodeState | undefined> {
  const directory = plan.parameters.code?.value;
  return codeState(system, typeof directory === 'string' ? directory : system.cwd);
}

function refuseCritical({ verdicts }: Readiness): void {
  const critical = verdicts.filter((verdict) => verdict.status === 'critical');
  if (critical.length === 0) return;
  const lines = critical.map(
    (verdict) => `${verdict.check}: ${verdict.message}${verdict.fix === null ? '' : `   [${verdict.fix}]`}`,
  );
  throw new OpsError(`nothing was submitted, because the run could not start:\n  ${lines.join('\n  ')}`, {
    exitCode: EXIT.critical,
    hint: 'Mend it, or give --no-preflight to submit all the same.',
  });
}

/** Makes the run's own directory. A name that was derived is moved on by a second when another run has just taken it. */
async function claimPlace(system: System, plan: Plan, request: SubmitRequest): Promise<Plan> {
  let candidate = plan;
  for (let second = 1; !(await claimDirectory(candidate.outputDir)); second++) {
    const isDerived = plan.parameters.name?.source === 'derived';
    if (!isDerived || second > 10) {
      const owner = await lookUpRun(system, candidate.runId);
      const whose = owner ? `by the run ${owner.runId} of ${owner.createdAt}` : 'already';
      throw new UsageError(
        `the output directory ${candidate.outputDir} is in use ${whose}`,
        'Give another --name or --output.',
      );
    }
    candidate = planRun({ ...request, now: new Date(request.now.getTime() + second * 1000) });
  }
  return candidate;
}

function buildManifest(
  system: System,
  plan: Plan,
  request: SubmitRequest,
  readiness: Readiness,
  code: CodeState | undefined,
  print: string,
): Manifest {
  return {
    version: 1,
    runId: plan.runId,
    phase: request.template.phase,
    trainer: request.template.trainer,
    createdAt: request.now.toISOString(),
    user: currentUser(),
    state: 'submitting',
    jobId: null,
    cluster: request.profile.cluster ?? null,
    outputDir: plan.outputDir,
    script: plan.scriptPath,
    parameters: plan.parameters,
    trainerFlags: request.trainerFlags,
    fingerprint: print,
    code: code ? [code.git] : [],
    versions: {
      opsctl: request.version,
      node: process.version,
      ...(request.profile.slurm_version ? { slurm: request.profile.slurm_version } : {}),
    },
    environment: tellingEnvironment(system.env),
    data: readiness.data.files > 0 ? { files: readiness.data.files, bytes: readiness.data.bytes } : null,
    gpuHours: plan.gpuHours,
    estimatedStart: readiness.slurm?.accepted ? readiness.slurm.start : null,
    attempts: [],
  };
}

async function writeRun(
  system: System,
  plan: Plan,
  manifest: Manifest,
  code: CodeState | undefined,
): Promise<void> {
  await mkdir(plan.logDir, { recursive: true });
  await together([
    writeAtomic(plan.scriptPath, plan.script, 0o644),
    code && code.diff !== '' ? writeAtomic(join(plan.outputDir, 'code.diff'), code.diff) : undefined,
    saveManifest(system, manifest),
  ]);
}
