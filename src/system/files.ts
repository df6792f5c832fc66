import { type FileHandle, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
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

/**
 * Writes a whole file or nothing: a temporary file beside it, fsync, rename, fsync of the directory.
 * After a crash at any point the old text or the new one is there, never a part.
 */
export async function writeAtomic(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 8)}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', mode);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw fileError('cannot write', path, error);
  }
}

/** Waits for all of them, also when one fails: whoever cleans up after a failure must not race with the others. */
export async function together(works: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason;
}

/**
 * Makes a directory and what lies above it. Step by step, not with mkdir's own `recursive`: that one never returns
 * below /proc, and on a read-only file system it tells of a missing parent instead of the reason.
 */
export async function ensureDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    await makeWithParents(path, mode);
  } catch (error) {
    throw fileError('cannot make the directory', path, error);
  }
}

async function makeWithParents(path: string, mode: number): Promise<void> {
  const make = () => mkdir(path, { mode });
  try {
    await make().catch(async (error: unknown) => {
      if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
      await makeWithParents(dirname(path), mode);
      await make();
    });
  } catch (error) {
    const isThere =
      ['EEXIST', 'EISDIR', 'EROFS'].includes(errorCode(error) ?? '') && (await isDirectory(path));
    if (!isThere) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Makes the last part of the path; false when it was there already. Atomic, on NFS too. */
export async function claimDirectory(path: string, mode = 0o755): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw fileError('cannot make the directory', path, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse fsync on a directory; the rename itself is atomic there.
    if (errorCode(error) !== 'EINVAL' && errorCode(error) !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
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
  const hint = code === undefined ? undefined : ADVICE[code];
  const reason = error instanceof Error ? (error.message.split(',')[0] ?? error.message) : String(error);
  return new OpsError(`${what} ${path}: ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}
