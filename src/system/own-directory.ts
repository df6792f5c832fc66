import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDirectory, errorCode, fileError } from './files.ts';
import { type System, stateHome } from './system.ts';
import { refuseShared, refuseUntrusted } from './trusted.ts';

/**
 * Makes a directory of opsctl's state, for its owner alone, and looks whether it can be trusted.
 * @throws OpsError when somebody else could write there, or has put a link there: what stands in it is done in this
 * user's name.
 */
export async function openOwnDirectory(path: string): Promise<string> {
  await ensureDirectory(path);
  refuseUntrusted(path);
  return path;
}

/**
 * Looks whether nobody else can have written the state, before anything in it is believed: its directory, and each
 * directory and document in that. One that is not there yet is no danger.
 * @throws OpsError 1 naming the path and what to type.
 */
export function refuseUntrustedState({ env }: Pick<System, 'env'>): void {
  const home = stateHome(env);
  const entries = entriesOf(home);
  if (entries === undefined) return;
  refuseUntrusted(home);
  for (const entry of entries)
    if (!entry.isFile() || entry.name.endsWith('.json')) refuseShared(join(home, entry.name));
}

function entriesOf(directory: string): Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('cannot read', directory, error);
  }
}
