import { link, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { ensureDirectory, errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import { type System, stateHome } from '../system/system.ts';
import { suggest } from '../terminal/suggest.ts';
import type { Manifest } from './manifest.ts';

const MANIFEST = 'manifest.json';

function runsDirectory(env: System['env']): string {
  return join(stateHome(env), 'runs');
}

/**
 * Writes a run's manifest, whole or not at all: first in the state directory, which decides, then the copy beside
 * the checkpoints, which travels with them.
 */
export async function saveManifest(system: System, manifest: Manifest): Promise<void> {
  const directory = join(runsDirectory(system.env), manifest.runId);
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await ensureDirectory(directory);
  await writeAtomic(join(directory, MANIFEST), text);
  await writeAtomic(join(manifest.outputDir, MANIFEST), text, 0o644);
}

/** Every run of this state directory, newest first. One whose manifest cannot be read is left out, not fatal. */
export async function listRuns(system: System): Promise<Manifest[]> {
  const directory = runsDirectory(system.env);
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', directory, error);
  });
  const manifests = await Promise.all(names.map((name) => readManifest(join(directory, name, MANIFEST))));
  return manifests
    .flatMap((manifest) => manifest ?? [])
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Manifest;
  } catch {
    return undefined;
  }
}

/**
 * The run that a person means: its id, the beginning of one, its job's id, or `last`.
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
  // The usual case reads one file, however many runs there are.
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    const exact = await readManifest(join(runsDirectory(system.env), name, MANIFEST));
    if (exact) return exact;
  }
  const runs = await listRuns(system);
  if (name === 'last') return runs[0];
  const byJob = runs.find((run) => run.jobId !== null && run.jobId === name);
  if (byJob) return byJob;
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
  await rm(join(runsDirectory(system.env), runId), { recursive: true, force: true });
  await rm(outputDir, { recursive: true, force: true });
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
  const path = await fingerprintPath(system, fingerprint);
  const mine = `${path}.${runId}.tmp`;
  await writeAtomic(mine, runId);
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
  const path = await fingerprintPath(system, fingerprint);
  const aside = `${path}.${runId}.old`;
  if ((await readIfThere(path)) !== runId) return;
  await rename(path, aside).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

async function fingerprintPath(system: System, fingerprint: string): Promise<string> {
  const directory = join(stateHome(system.env), 'fingerprints');
  await ensureDirectory(directory);
  return join(directory, fingerprint);
}
