import {
  closeSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { OpsError } from '../errors.ts';

/** The text of a file, or undefined when it is not there. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError('cannot read', path, error);
  }
}

/** As readIfThere, at once: for the few small files of a start, where each hop to the thread pool costs more than the read. */
export function readSmallIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError('cannot read', path, error);
  }
}

/**
 * Writes a whole file or nothing: a temporary file beside it, fsync, rename, fsync of the directory.
 * After a crash at any point the old text or the new one is there, never a part. Only fsync is waited for, so that several
 * files reach the disk together; for the other steps a hop to the thread pool costs more than the step.
 */
export async function writeAtomic(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 8)}.tmp`;
  try {
    await withOpen(temporary, 'wx', mode, async (descriptor) => {
      writeFileSync(descriptor, text);
      await sync(descriptor);
    });
    renameSync(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    ignoring(() => unlinkSync(temporary));
    throw fileError('cannot write', path, error);
  }
}

/**
 * Writes a small file under a name of one's own, in the place of one that a killed process has left there. Whatever
 * stands there is taken away, never written through: a link leads elsewhere.
 */
export function writeAnew(path: string, text: string, mode = 0o600): void {
  try {
    if (!writesNew(path, text, mode)) {
      unlinkSync(path);
      writeFileSync(path, text, { mode, flag: 'wx' });
    }
  } catch (error) {
    // On a full disk the name is there, and nothing in it.
    ignoring(() => unlinkSync(path));
    throw fileError('cannot write', path, error);
  }
}

function writesNew(path: string, text: string, mode: number): boolean {
  try {
    writeFileSync(path, text, { mode, flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

const sync = promisify(fsync);

async function withOpen(
  path: string,
  flags: string,
  mode: number,
  work: (descriptor: number) => Promise<void>,
): Promise<void> {
  const descriptor = openSync(path, flags, mode);
  try {
    await work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function ignoring(work: () => void): void {
  try {
    work();
  } catch {
    // What failed before is what is told.
  }
}

/** Waits for all of them, also when one fails: whoever cleans up after a failure must not race with the others. */
export async function together(works: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason;
}

/**
 * Makes a directory and what lies above it. Step by step, not with mkdir's own `recursive`: that one never returns
 * below /proc, and on a read-only file system it tells of a missing parent instead of the reason.
 * @returns those that it has made, the outermost first.
 */
export async function ensureDirectory(path: string, mode = 0o700): Promise<readonly string[]> {
  try {
    return makeWithParents(path, mode);
  } catch (error) {
    throw fileError('cannot make the directory', path, error);
  }
}

function makeWithParents(path: string, mode: number): readonly string[] {
  try {
    mkdirSync(path, { mode });
    return [path];
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'ENOENT' && dirname(path) !== path) {
      const above = makeWithParents(dirname(path), mode);
      return makeUnlessThere(path, mode) ? [...above, path] : above;
    }
    if (!['EEXIST', 'EISDIR', 'EROFS'].includes(code) || !isDirectory(path)) throw error;
    return [];
  }
}

/** Takes directories away again that nobody has put anything into: as `ensureDirectory` gives them. */
export function removeEmpty(directories: readonly string[]): void {
  for (const path of [...directories].reverse()) {
    try {
      rmdirSync(path);
    } catch {
      // Something is in it, or somebody was quicker: then it is not ours to take.
      return;
    }
  }
}

/** Somebody else may make it at the same moment: false then. */
function makeUnlessThere(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !isDirectory(path)) throw error;
    return false;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Makes the last part of the path; false when it was there already. Atomic, on NFS too. */
export async function claimDirectory(path: string, mode = 0o755): Promise<boolean> {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw fileError('cannot make the directory', path, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  await withOpen(path, 'r', 0, async (descriptor) => {
    await sync(descriptor).catch((error: unknown) => {
      // Some network file systems refuse fsync on a directory; the rename itself is atomic there.
      if (errorCode(error) !== 'EINVAL' && errorCode(error) !== 'ENOTSUP') throw error;
    });
  });
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'You have no permission there; choose another path or ask its owner.',
  EPERM: 'You have no permission there; choose another path or ask its owner.',
  EROFS: 'That file system is read-only; choose another path.',
  ENOSPC: 'That file system is full; see `df -h` and `df -i`.',
  EDQUOT: 'Your quota there is used up; see `quota -s` or `lfs quota -h -u $USER`.',
  ENOENT: 'The directory above it does not exist.',
  ENOTDIR: 'A part of the path is a file.',
  ENAMETOOLONG: 'The path is too long; choose a shorter one.',
};

/** An OpsError that names the path, the reason in words and what to do. */
export function fileError(what: string, path: string, error: unknown): OpsError {
  const code = errorCode(error);
  // What is read is not there itself; what is written lacks a place.
  const isAbsent = code === 'ENOENT' && what === 'cannot read';
  const hint = code === undefined || isAbsent ? undefined : ADVICE[code];
  const reason = error instanceof Error ? (error.message.split(',')[0] ?? error.message) : String(error);
  return new OpsError(`${what} ${path}: ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}
