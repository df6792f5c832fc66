import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';
import { type System, stateHome } from '../system/system.ts';

/** How a sandbox is named on the command line: by `--name` under opsctl's state, or by `--dir`. */
export interface PlaceRequest {
  readonly name: string | undefined;
  readonly dir: string | undefined;
}

export interface Place {
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly dir: string;
  /** It lies under opsctl's own state, so nothing else can be in it. */
  readonly own: boolean;
}

/**
 * Bytes that a sandbox's path may have. A Unix socket's path holds 107 of them, and the longest that Slurm makes
 * below the directory is `/spool/gnode01/gnode01_1000000.4294967291`.
 */
const MAX_DIR_BYTES = 66;

/** What slurm.conf can hold in a path without quoting, escapes (%n) or host lists ([1-2]). */
const PLAIN_PATH = /^[\w./+@~-]+$/;

/** Where the sandbox lies; the directory itself need not be there yet. */
export async function findPlace(system: System, request: PlaceRequest): Promise<Place> {
  if (request.name !== undefined && request.dir !== undefined) {
    throw new UsageError(
      '--name and --dir cannot be given together.',
      'Give the one that names the sandbox.',
    );
  }
  if (request.dir !== undefined) {
    const dir = await withoutLinks(resolve(system.cwd, request.dir));
    return checked({ name: basename(dir), dir, own: false });
  }
  const name = request.name ?? 'default';
  if (!/^[A-Za-z0-9][\w-]*$/.test(name)) {
    throw new UsageError(
      `--name ${JSON.stringify(name)}: a name has letters, digits, "-" and "_" and starts with a letter or digit.`,
    );
  }
  const dir = await withoutLinks(resolve(system.cwd, join(stateHome(system.env), 'sandboxes', name)));
  return checked({ name, dir, own: true });
}

/** The real path of what lies above; the last part must not be a link, since `down` deletes it. */
async function withoutLinks(path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path) throw new UsageError(`${path} cannot be a sandbox.`, 'Name a directory of its own.');
  try {
    if ((await lstat(path)).isSymbolicLink()) {
      throw new UsageError(
        `${path} is a symbolic link: a sandbox is deleted as a whole, and never through a link.`,
        `Name the directory itself: --dir ${await realpath(path).catch(() => '...')}`,
      );
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (errorCode(error) !== 'ENOENT') throw fileError('cannot look at', path, error);
  }
  return join(await realAncestor(parent), basename(path));
}

async function realAncestor(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw fileError('cannot look at', path, error);
    return join(await realAncestor(dirname(path)), basename(path));
  }
}

function checked(place: Place): Place {
  if (!PLAIN_PATH.test(place.dir)) {
    throw new UsageError(
      `${JSON.stringify(place.dir)}: slurm.conf holds paths of letters, digits and . _ - + @ ~ only.`,
      'Choose another directory: --dir DIR',
    );
  }
  const bytes = Buffer.byteLength(place.dir);
  if (bytes > MAX_DIR_BYTES) {
    throw new UsageError(
      `${place.dir} is ${bytes} bytes long; Slurm's sockets below it leave room for ${MAX_DIR_BYTES}.`,
      'Choose a shorter one: --dir DIR',
    );
  }
  return place;
}
