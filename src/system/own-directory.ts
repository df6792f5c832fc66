import { lstat } from 'node:fs/promises';
import { OpsError } from '../errors.ts';
import { ensureDirectory, fileError } from './files.ts';
import { refuseUntrusted } from './trusted.ts';

/**
 * Makes a directory of opsctl's state, for its owner alone, and looks whether it can be trusted. A link of one's own is
 * followed: state is moved to a larger disk in this way.
 * @throws OpsError when somebody else could write there, or has put a link there: what stands in it is done in this
 * user's name.
 */
export async function openOwnDirectory(path: string): Promise<string> {
  await ensureDirectory(path);
  const found = await lstat(path).catch((error: unknown) => {
    throw fileError('cannot read', path, error);
  });
  if (found.isSymbolicLink() && found.uid !== process.getuid?.())
    throw new OpsError(`${path} is a link that somebody else has made`, {
      hint: 'Set OPSCTL_HOME to a directory of yours.',
    });
  await refuseUntrusted(path);
  return path;
}
