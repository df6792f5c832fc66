import { readdir, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { OpsError } from '../errors.ts';
import { fileError } from './files.ts';

const OTHERS_WRITE = 0o002;
const GROUP_WRITE = 0o020;
const STICKY = 0o1000;

/**
 * Refuses a file or directory that somebody else could change: what opsctl acts on must be the user's own words. The
 * path itself must be the user's or root's and writable by nobody else; no directory above it may let others put
 * something in its place.
 * @throws OpsError 1 naming the path and what to type.
 */
export async function refuseUntrusted(path: string): Promise<void> {
  const real = await realpath(path).catch((error: unknown) => {
    throw fileError('cannot read', path, error);
  });
  const found = await stat(real);
  const { uid } = userInfo();
  if (found.uid !== uid && found.uid !== 0)
    throw untrusted(real, `belongs to another user (uid ${found.uid})`, 'Use one of your own.');
  if (found.mode & (OTHERS_WRITE | GROUP_WRITE))
    throw untrusted(real, 'can be written by others', `chmod go-w ${real}`);
  for (let above = dirname(real); ; above = dirname(above)) {
    const { mode } = await stat(above);
    if (mode & OTHERS_WRITE && !(mode & STICKY))
      throw untrusted(real, `lies below ${above}, which everybody may write to`, 'Move it to another place.');
    if (above === dirname(above)) return;
  }
}

function untrusted(path: string, why: string, hint: string): OpsError {
  return new OpsError(`${path} ${why}: opsctl does not act on what it says`, { hint });
}

/**
 * A directory of documents and each of them. One that is not there is no danger.
 * @throws OpsError as refuseUntrusted.
 */
export async function refuseUntrustedTree(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => undefined);
  if (names === undefined) return;
  await refuseUntrusted(directory);
  for (const name of names) await refuseUntrusted(join(directory, name));
}
