import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { errorCode, fileError, readSmallIfThere } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import { configHome, type System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import type { Check } from './check-schema.ts';
import { precompiled } from './precompiled.ts';

export interface LoadedCheck extends Check {
  readonly path: string;
}

/** Where a site puts its own checks; one with the name of ours replaces it. */
export function siteChecks(env: System['env']): string {
  return join(configHome(env), 'checks');
}

/**
 * All checks by name, a site's own among them; whatever the build has not parsed is tried by `bash -n`.
 * @param wanted of the package's own these alone, for who cannot wait for all of them to be read.
 * @throws UsageError naming the file that is wrong, or that somebody else could change.
 */
export async function loadChecks(
  system: Pick<System, 'env' | 'exec'>,
  wanted?: readonly string[],
): Promise<LoadedCheck[]> {
  const byId = new Map<string, LoadedCheck>();
  const site = siteChecks(system.env);
  for (const directory of [join(packageRoot(), 'checks'), site]) {
    const isSite = directory === site;
    const names = isSite || wanted === undefined ? scriptsIn(directory) : wanted.map((id) => `${id}.sh`);
    // Who may write the directory may put another file in the place of one that was read and found good.
    if (isSite && names.length > 0) refuseForeign(directory);
    for (const name of names) {
      const path = join(directory, name);
      if (isSite) refuseForeign(path);
      const check = await readCheck(system, path);
      byId.set(check.id, { ...check, path });
    }
  }
  return [...byId.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** Whether it is a check that the package has none of, and not a site's copy of one. */
export function isSiteOwn({ id }: Pick<Check, 'id'>): boolean {
  return !existsSync(join(packageRoot(), 'checks', `${id}.sh`));
}

/**
 * Those that were named, in the order of the catalogue.
 * @throws UsageError for a name that no check has.
 */
export function pickChecks(checks: readonly LoadedCheck[], ids: readonly string[]): LoadedCheck[] {
  const known = checks.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined)
    throw new UsageError(
      `there is no check "${unknown}".${didYouMean(unknown, known)}`,
      '"opsctl checks list" names them.',
    );
  return checks.filter(({ id }) => ids.includes(id));
}

async function readCheck(system: Pick<System, 'env' | 'exec'>, path: string): Promise<Check> {
  const source = readSmallIfThere(path);
  if (source === undefined)
    throw new UsageError(`there is no ${path}`, 'The package is not whole: install it anew.');
  const fromPackage = await precompiled.get(source)?.();
  if (fromPackage) return fromPackage.built;
  const [{ parseCheck }, { refuseBadBash }] = await Promise.all([
    import('./parse-check.ts'),
    import('./bash-syntax.ts'),
  ]);
  const check = parseCheck(path, source);
  await refuseBadBash(system, path, source, check);
  return check;
}

/** Its text runs as this user on every node: nobody else may be able to write it. */
function refuseForeign(path: string): void {
  const { mode, uid } = statSync(path);
  const me = process.getuid?.();
  if (uid !== me && uid !== 0)
    throw new UsageError(
      `${path} belongs to another user (${uid}) and would run as you`,
      `chown ${me} ${path}, once you have read it`,
    );
  if ((mode & 0o022) !== 0)
    throw new UsageError(`${path} can be written by others and would run as you`, `chmod go-w ${path}`);
}

function scriptsIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.sh'))
      .sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw fileError('cannot list', directory, error);
  }
}
