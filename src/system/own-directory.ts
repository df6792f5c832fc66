import { lstat } from 'node:fs/promises';
import { OpsError } from '../errors.ts';
import { ensureDirectory, fileError } from './files.ts';

/**
 * Makes a directory of opsctl's state, for its owner alone, and looks whether it can be trusted.
 * @throws OpsError when somebody else could write there, or put a link in its place: what stands in it is done in this
 * user's name.
 */
export async function openOwnDirectory(path: string): Promise<string> {
  await ensureDirectory(path);
  const found = await lstat(path).catch((error: unknown) => {
    throw fileError('cannot read', path, error);
  });
  if (found.uid !== process.getuid?.())
    throw new OpsError(`${path} belongs to somebody else`, {
      hint: 'Set OPSCTL_HOME to a directory of yours.',
    });
  if (!found.isDirectory())
    throw new OpsError(`${path} is a link, not a directory`, { hint: 'Put OPSCTL_HOME where it leads to.' });
  if ((found.mode & 0o022) !== 0)
    throw new OpsError(`${path} can be written by others`, {
      hint: `Look at what is in it, then: chmod 700 ${path}`,
    });
  return path;
}
