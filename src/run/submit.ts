import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { type Submitted, sbatch } from '../slurm/sbatch.ts';
import { squeue } from '../slurm/squeue.ts';
import { ensureDirectory, removeEmpty, together, writeAtomic } from '../system/files.ts';
import { currentUser, type System, shortHostname } from '../system/system.ts';
import { type CodeState, codeState } from './code.ts';
import { exclusionHint } from './exclusions.ts';
import { fingerprint } from './fingerprint.ts';
import { gateRecord } from './gate.ts';
import { type Manifest, nameInSlurm } from './manifest.ts';
import { claimPlace } from './place.ts';
import { type Plan, planRun, valuesOf } from './plan.ts';
import { getReady, type Readiness, refuseCritical, type SubmitRequest } from './ready.ts';
import { forgetRun, releaseFingerprint, saveManifest } from './registry.ts';
import { tellingEnvironment } from './secrets.ts';
import { orderly, shielded } from './shield.ts';
import { baseId, mayBeOf } from './state.ts';
import { claimTurn, takeTurn } from './turn.ts';

export interface Submission {
  readonly plan: Plan;
  readonly manifest: Manifest;
  readonly readiness: Readiness;
}

/**
 * Submits one run. The order is the promise: the intent is on disk before sbatch is called, so that a job that
 * Slurm took is found again after a crash at any point; and whatever was written is taken away when Slurm refuses.
 * @throws UsageError when the same thing or the directory is in use; OpsError when a check is critical (2), Slurm
 * refuses (1), is not there (69), or does not answer (75).
 */
export async function submitRun(system: System, request: SubmitRequest): Promise<Submission> {
  // git first: it works beside the checks. What takes long comes before anything is written.
  const asked = codeOf(system, request);
  const plan = planRun(request);
  const readiness = await getReady(system, plan, request);
  refuseCritical(readiness, plan);
  const code = await asked;
  const print = fingerprint(
    request.template.phase,
    request.template.trainer,
    valuesOf(plan.parameters),
    request.trainerFlags,
  );
  return inPlace(dirname(plan.outputDir), async () =>
    orderly(async ({ refuseIfTold, commit }) => {
      const placed = await claimPlace(system, plan, request);
      const forget = async () => {
        await releaseFingerprint(system, print, placed.runId);
        await forgetRun(system, placed.runId, placed.outputDir);
      };
      const manifest = buildManifest(system, placed, request, readiness, code, print);
      try {
        await writeRun(system, placed, manifest, code);
        // After the manifest, so that whoever finds this claim finds what it is about.
        if (!request.again) await claimTurn(system, print, placed.runId);
        commit(allTheSame(placed.runId));
      } catch (error) {
        // A disk that is full or read-only may refuse even this; the first reason is the one to read.
        await forget().catch(() => undefined);
        // Who has interrupted it reads that, whatever failed meanwhile.
        refuseIfTold();
        throw error;
      }
      const usedMs = readiness.slurm?.accepted ? readiness.slurm.tookMs : 0;
      const submitted = await hand(system, manifest, request.sbatchOptions, forget, usedMs);
      // Asked for beside another: the next one without --again is held against this one, which is the newest.
      if (request.again) await takeTurn(system, print, placed.runId);
      return { plan: placed, manifest: submitted, readiness };
    }),
  );
}

/** Makes the directory that runs are to lie in, and takes what was made away again when nothing came to lie there. */
export async function inPlace<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const made = await ensureDirectory(directory, 0o755);
  try {
    return await work();
  } catch (error) {
    removeEmpty(made);
    throw error;
  }
}

/** Who has interrupted a submission that could not be stopped any more. */
export function allTheSame(runId: string): string {
  return `it was submitted all the same: "opsctl cancel ${runId}" ends it`;
}

/**
 * Hands a run over to Slurm. From here on Slurm may have the job: `forget` is called only when it has said no.
 * @param manifest in the state `submitting`, and on disk.
 * @param usedMs what Slurm has had already of the time that a person is ready to wait.
 * @throws OpsError 1 when Slurm refuses, 75 when it is not known whether it took the job.
 */
export async function hand(
  system: System,
  manifest: Manifest,
  options: readonly string[],
  forget: () => Promise<void>,
  usedMs = 0,
): Promise<Manifest> {
  const answer = await settle(system, manifest, options, forget, usedMs).catch(async (error: unknown) => {
    await keepDoubt(system, [manifest], error);
    throw error;
  });
  const { replaces: _, ...taken } = manifest;
  const submitted: Manifest = {
    ...taken,
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

/**
 * Calls sbatch, once, and finds out whether Slurm has the job. A no is believed only when squeue does not show the job:
 * a wrapper or a broken connection may fail after the job was taken.
 */
export async function settle(
  system: System,
  manifest: Manifest,
  options: readonly string[],
  forget: () => Promise<void>,
  usedMs = 0,
): Promise<Extract<Submitted, { outcome: 'accepted' }>> {
  const asked = sbatch(system, manifest.script, options, usedMs);
  const waiting = 'sbatch is at work: waiting for its answer, so that no job is lost (once more ends opsctl)';
  const answer = await shielded(asked, waiting, interrupted).catch(async (error: unknown) => {
    if (isDoubt(error)) throw notSure(error.message, manifest, error);
    // Slurm is not there at all: nothing was asked.
    await forget();
    throw error;
  });
  if (answer.outcome === 'accepted') return answer;
  const jobs = await squeue(system, { user: manifest.user, names: [nameInSlurm(manifest)] }).catch(
    (error: unknown) => {
      throw notSure(answer.reason, manifest, error);
    },
  );
  const taken = jobs.find(
    (job) => mayBeOf(job, manifest) && !manifest.earlierJobs?.includes(baseId(job.jobId)),
  );
  if (taken) return { outcome: 'accepted', jobId: baseId(taken.jobId), cluster: null };
  if (answer.outcome === 'unclear') throw notSure(answer.reason, manifest, undefined);
  const look = exclusionHint(answer.reason);
  const hint = `${await leave(forget)}${look === undefined ? '' : ` The nodes that your jobs stay away from: ${look}`}`;
  throw new OpsError(`Slurm refused the job: ${answer.reason}`, { hint });
}

/** What Slurm said counts more than what failed after it, and is not hidden by that. */
async function leave(forget: () => Promise<void>): Promise<string> {
  try {
    await forget();
    return 'Nothing was left behind.';
  } catch (error) {
    return `What was made for it could not be taken back: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function interrupted(): OpsError {
  return new OpsError('interrupted while sbatch was at work', { exitCode: EXIT.cancelled });
}

/** No answer is no refusal: Slurm may have taken the job before the line went dead, so the intent stays. */
function notSure(reason: string, manifest: Manifest, cause: unknown): OpsError {
  const exitCode =
    cause instanceof OpsError && cause.exitCode === EXIT.cancelled ? EXIT.cancelled : EXIT.tryAgain;
  return new OpsError(`${reason}\n  It is not known whether Slurm took the job.`, {
    exitCode,
    hint: `Do not submit it again before "opsctl status ${manifest.runId}" has said so: it looks for the job by its name.`,
    cause,
  });
}

function isDoubt(error: unknown): error is OpsError {
  return error instanceof OpsError && (error.exitCode === EXIT.tryAgain || error.exitCode === EXIT.cancelled);
}

/** Writes down that opsctl ends without knowing whether Slurm took these, when that is what settle() threw. */
export async function keepDoubt(
  system: System,
  manifests: readonly Manifest[],
  error: unknown,
): Promise<void> {
  if (!isDoubt(error)) return;
  const unsure = { since: system.now().toISOString(), host: shortHostname() };
  // Whoever asks later is told more; where it cannot be written, what is there already still holds.
  for (const manifest of manifests)
    await saveManifest(system, { ...manifest, unsure }).catch(() => undefined);
}

/** The trainer that lies in opsctl's own checkout. */
const EXAMPLE = 'example';

/** The checkout that the trainer is run from: the one that is named, else where the user is. Never rejects. */
export async function codeOf(
  system: System,
  request: Pick<SubmitRequest, 'template' | 'packageRoot' | 'parameters'>,
): Promise<CodeState | undefined> {
  const named = request.parameters.code?.value;
  const usual = request.template.trainer === EXAMPLE ? request.packageRoot : system.cwd;
  return codeState(system, typeof named === 'string' ? named : usual);
}

/** What will be written down about a run before sbatch is called. */
export function buildManifest(
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
    ...(request.template.stage === null ? {} : { stage: request.template.stage }),
    createdAt: request.now.toISOString(),
    user: currentUser(),
    state: 'submitting',
    jobId: null,
    cluster: request.profile.cluster ?? null,
    outputDir: plan.outputDir,
    script: plan.scriptPath,
    ...gateRecord(plan.gate),
    parameters: plan.parameters,
    trainerFlags: request.trainerFlags,
    fingerprint: print,
    code: code ? [code.git] : [],
    versions: {
      opsctl: request.version,
      node: process.version,
      ...(readiness.flags.trainer
        ? { trainer: `${readiness.flags.trainer.program} ${readiness.flags.trainer.version}` }
        : {}),
      ...(request.profile.slurm_version ? { slurm: request.profile.slurm_version } : {}),
    },
    environment: tellingEnvironment(system.env),
    data: readiness.data.files > 0 ? { files: readiness.data.files, bytes: readiness.data.bytes } : null,
    gpuHours: plan.gpuHours,
    estimatedStart: readiness.slurm?.accepted ? readiness.slurm.start : null,
    attempts: [],
    ...request.chain,
  };
}

/** Script, gate, manifest and code.diff, in a directory that is the run's own. */
export async function writeRun(
  system: System,
  plan: Plan,
  manifest: Manifest,
  code: CodeState | undefined,
): Promise<void> {
  // Said, since a umask of 000 would let everybody write there.
  await mkdir(plan.logDir, { recursive: true, mode: 0o755 });
  await together([
    writeAtomic(plan.scriptPath, plan.script, 0o644),
    plan.gate ? writeAtomic(plan.gate.path, plan.gate.script, 0o644) : undefined,
    code && code.diff !== '' ? writeAtomic(join(plan.outputDir, 'code.diff'), code.diff) : undefined,
    saveManifest(system, manifest),
  ]);
}
