import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { link, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import {
  claimDirectory,
  ensureDirectory,
  errorCode,
  fileError,
  readIfThere,
  readSmallIfThere,
  together,
  writeAnew,
  writeAtomic,
} from '../system/files.ts';
import { refuseUntrustedState } from '../system/own-directory.ts';
import { type System, stateHome } from '../system/system.ts';
import { refuseShared } from '../system/trusted.ts';
import { suggest } from '../terminal/suggest.ts';
import type { Manifest } from './manifest.ts';

const MANIFEST = 'manifest.json';
/** Files open at the same time: login nodes often allow a process no more than 1024. */
const AT_ONCE = 64;

function runsDirectory(env: System['env']): string {
  return join(stateHome(env), 'runs');
}

/**
 * Writes a run's manifest, whole or not at all: in the state directory, which decides, and beside the checkpoints,
 * with which the copy travels.
 */
export async function saveManifest(system: System, manifest: Manifest): Promise<void> {
  const directory = join(runsDirectory(system.env), manifest.runId);
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await ensureDirectory(directory);
  if (manifest.jobId !== null) noteJob(system, manifest.jobId, manifest.runId);
  await together([
    writeAtomic(join(directory, MANIFEST), text),
    writeAtomic(join(manifest.outputDir, MANIFEST), text, 0o644),
  ]);
}

/**
 * Which run a job is, as a small file, so that whoever names a job need not read every manifest. A hint and no more: it
 * is believed only when the manifest says so too, and without it the manifests are looked through.
 */
function noteJob(system: System, jobId: string, runId: string): void {
  const path = jobPath(system, jobId);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const mine = `${path}.${process.pid}.tmp`;
    writeAnew(mine, runId);
    renameSync(mine, path);
  } catch {
    // The manifest, written next, says why nothing can be written.
  }
}

function jobPath({ env }: System, jobId: string): string {
  return join(stateHome(env), 'jobs', jobId);
}

/** The run that was last submitted as this job; undefined also when that is known by its manifest alone. */
export async function notedRun(system: System, jobId: string): Promise<Manifest | undefined> {
  refuseUntrustedState(system);
  const runId = readSmallIfThere(jobPath(system, jobId));
  const noted = runId === undefined ? undefined : await readRun(system, runId);
  return noted?.jobId === jobId ? noted : undefined;
}

/**
 * Every run of this state directory, newest first. One whose manifest cannot be read is left out, not fatal.
 * @throws OpsError when somebody else could have written there.
 */
export async function listRuns(system: System): Promise<Manifest[]> {
  refuseUntrustedState(system);
  const directory = runsDirectory(system.env);
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', directory, error);
  });
  const manifests: (Manifest | undefined)[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE);
    manifests.push(...(await Promise.all(some.map((name) => readManifest(join(directory, name))))));
  }
  return manifests.flatMap((manifest) => manifest ?? []).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** Takes a run's id; false when another run has it. Atomic, on NFS too. */
export async function claimRecord(system: System, runId: string): Promise<boolean> {
  refuseUntrustedState(system);
  await ensureDirectory(runsDirectory(system.env));
  const directory = join(runsDirectory(system.env), runId);
  if (await claimDirectory(directory, 0o700)) return true;
  return takeAwayAbandoned(directory, system.now()) && claimDirectory(directory, 0o700);
}

/** A submission writes its manifest within seconds: without one after this time it was killed before Slurm heard of it. */
const ABANDONED_MS = 5 * 60_000;

function takeAwayAbandoned(directory: string, now: Date): boolean {
  const { ino, mtimeMs } = statSync(directory);
  const isBegun = readdirSync(directory).some((name) => !name.startsWith(`${MANIFEST}.`));
  if (isBegun || now.getTime() - mtimeMs < ABANDONED_MS) return false;
  const aside = `${directory}.${process.pid}.old`;
  renameSync(directory, aside);
  // Between the look and the rename another may have done the same, and this is its new record.
  if (statSync(aside).ino === ino) {
    rmSync(aside, { recursive: true });
    return true;
  }
  renameSync(aside, directory);
  return false;
}

/** Gives an id back that this process has just taken and written nothing under. */
export async function dropRecord(system: System, runId: string): Promise<void> {
  await rmdir(join(runsDirectory(system.env), runId)).catch(() => undefined);
}

/** The run of exactly this id. */
export async function readRun(system: System, runId: string): Promise<Manifest | undefined> {
  return readManifest(join(runsDirectory(system.env), runId));
}

/** What a manifest says is submitted and deleted in this user's name. */
async function readManifest(directory: string): Promise<Manifest | undefined> {
  const path = join(directory, MANIFEST);
  refuseShared(directory);
  refuseShared(path);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    return isManifest(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** opsctl writes manifests whole, so what is checked is whether this is one, not each of its fields. */
function isManifest(found: unknown): found is Manifest {
  if (typeof found !== 'object' || found === null) return false;
  const { version, runId, createdAt, outputDir, parameters } = found as Partial<Manifest>;
  const texts = [runId, createdAt, outputDir].every((text) => typeof text === 'string');
  return version === 1 && texts && typeof parameters === 'object';
}

/**
 * The run that a person means: its id, the beginning of one, or `last`.
 * @throws UsageError when there is none or more than one.
 */
export async function findRun(system: System, name: string): Promise<Manifest> {
  const run = await lookUpRun(system, name);
  if (run) return run;
  const runs = await listRuns(system);
  const meant = suggest(
    name,
    runs.map((each) => each.runId),
  );
  const hint =
    runs.length === 0
      ? 'No run was submitted yet.'
      : `${meant ? `Did you mean "${meant}"? ` : ''}"opsctl status" lists the runs.`;
  throw new UsageError(`there is no run or job "${name}" that opsctl submitted`, hint);
}

/** As findRun, but undefined when there is none: a job that somebody else submitted is no error everywhere. */
export async function lookUpRun(system: System, name: string): Promise<Manifest | undefined> {
  refuseUntrustedState(system);
  // The usual case reads one file, however many runs there are.
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    const exact = await readManifest(join(runsDirectory(system.env), name));
    if (exact) return exact;
  }
  const runs = await listRuns(system);
  if (name === 'last') return runs[0];
  const matches = runs.filter((run) => run.runId.startsWith(name));
  if (matches.length > 1)
    throw new UsageError(
      `"${name}" is the beginning of ${matches.length} runs`,
      matches
        .slice(0, 5)
        .map((run) => run.runId)
        .join(', '),
    );
  return matches[0];
}

/** Takes away what a submission that failed has written. Only ever a directory that this process has made. */
export async function forgetRun(system: System, runId: string, outputDir: string): Promise<void> {
  await together([
    rm(outputDir, { recursive: true, force: true }),
    rm(join(runsDirectory(system.env), runId), { recursive: true, force: true }),
  ]);
}

/**
 * Takes the fingerprint for a run, atomically, so that of two submissions of the same thing at once one wins.
 * @returns undefined when it is now this run's, else the id of the run that has it.
 */
export async function claimFingerprint(
  system: System,
  fingerprint: string,
  runId: string,
): Promise<string | undefined> {
  const path = fingerprintPath(system, fingerprint);
  await ensureDirectory(dirname(path));
  const mine = `${path}.${runId}.tmp`;
  // Not flushed to disk: a claim that a power cut takes away costs no more than the notice.
  writeAnew(mine, runId);
  try {
    // link(2) fails when the name is taken, on NFS too, and the file has its text from the first moment.
    await link(mine, path);
    return undefined;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw fileError('cannot write', path, error);
    return (await readIfThere(path)) ?? runId;
  } finally {
    await unlink(mine).catch(() => undefined);
  }
}

/** Takes a fingerprint away from a run that has it; nothing happens when another run has taken it since. */
export async function releaseFingerprint(system: System, fingerprint: string, runId: string): Promise<void> {
  const path = fingerprintPath(system, fingerprint);
  // Who does not hold it must not move it, not even for a moment: in that moment a third one could take it.
  if ((await readIfThere(path)) !== runId) return;
  const aside = `${path}.${process.pid}.${runId}.old`;
  // Moved first and read then: what is read cannot be taken by another any more.
  const isMoved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!isMoved) return;
  if ((await readIfThere(aside)) !== runId) await link(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

/** Makes a run the one that has the claim, whoever had it. */
export async function replaceFingerprint(system: System, fingerprint: string, runId: string): Promise<void> {
  const path = fingerprintPath(system, fingerprint);
  await ensureDirectory(dirname(path));
  const mine = `${path}.${runId}.tmp`;
  writeAnew(mine, runId);
  await rename(mine, path);
}

function fingerprintPath(system: System, fingerprint: string): string {
  return join(stateHome(system.env), 'fingerprints', fingerprint);
}
