import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OpsError } from '../errors.ts';
import { errorCode, fileError } from './files.ts';

const OTHERS_WRITE = 0o002;
const GROUP_WRITE = 0o020;
const STICKY = 0o1000;

/**
 * Refuses a file or directory that somebody else could change: what opsctl acts on must be the user's own words. The
 * path itself must be the user's or root's and writable by nobody else; no directory above it may let others put
 * something in its place, and no link in it may be somebody else's. A link of one's own is followed: state is moved to
 * a larger disk in this way.
 * @throws OpsError 1 naming the path and what to type.
 */
export function refuseUntrusted(path: string): void {
  const real = refuseReplaceable(path);
  refuseShared(real);
}

/**
 * The weaker half: the thing itself may be written by a group, as a umask of 002 makes it, but it is the user's or
 * root's, and nobody else can have put it there.
 * @returns the path without links.
 * @throws OpsError 1 naming the path and what to type.
 */
export function refuseReplaceable(path: string): string {
  const given = resolve(path);
  for (const part of upwards(given)) refuseForeignLink(part);
  const real = reading(path, () => realpathSync.native(given));
  refuseForeign(
    real,
    reading(real, () => statSync(real)),
  );
  for (const above of upwards(real).slice(1)) {
    const { mode } = reading(above, () => statSync(above));
    if (mode & OTHERS_WRITE && !(mode & STICKY))
      throw untrusted(real, `lies below ${above}, which everybody may write to`, 'Move it to another place.');
  }
  return real;
}

/**
 * The same of one thing in a directory that was looked at already: it must be the user's or root's and writable by
 * nobody else. What is not there is no danger.
 * @throws OpsError 1 naming the path and what to type.
 */
export function refuseShared(path: string): void {
  const found = reading(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (found === undefined) return;
  refuseForeign(path, found);
  const { mode } = found.isSymbolicLink() ? reading(path, () => statSync(path)) : found;
  if (mode & (OTHERS_WRITE | GROUP_WRITE))
    throw untrusted(path, 'can be written by others', `chmod go-w ${path}`);
}

/**
 * A directory of documents and each of them. One that is not there is no danger.
 * @throws OpsError as refuseUntrusted.
 */
export function refuseUntrustedTree(directory: string): void {
  const names = namesIn(directory);
  if (names === undefined) return;
  refuseUntrusted(directory);
  for (const name of names) refuseShared(join(directory, name));
}

function namesIn(directory: string): string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError('cannot read', directory, error);
  }
}

/** The path and every directory above it. */
function upwards(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...upwards(above)];
}

function refuseForeignLink(path: string): void {
  const found = reading(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (found?.isSymbolicLink() === true && !isTrusted(found))
    throw untrusted(path, `is a link that another user has made (uid ${found.uid})`, 'Choose another path.');
}

function refuseForeign(path: string, found: Stats): void {
  if (!isTrusted(found))
    throw untrusted(path, `belongs to another user (uid ${found.uid})`, 'Use one of your own.');
}

function isTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === process.getuid?.();
}

function reading<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileError('cannot read', path, error);
  }
}

function untrusted(path: string, why: string, hint: string): OpsError {
  return new OpsError(`${path} ${why}: opsctl does not act on what it says`, { hint });
}
