import { readdirSync, statSync } from 'node:fs';
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
 * All checks by name, a site's own among them.
 * @param wanted of the package's own these alone, for who cannot wait for all of them to be read.
 * @throws UsageError naming the file that is wrong, or that somebody else could change.
 */
export async function loadChecks(env: System['env'], wanted?: readonly string[]): Promise<LoadedCheck[]> {
  const byId = new Map<string, LoadedCheck>();
  const site = siteChecks(env);
  for (const directory of [join(packageRoot(), 'checks'), site]) {
    const names = directory === site ? undefined : wanted?.map((id) => `${id}.sh`);
    for (const name of names ?? scriptsIn(directory)) {
      const path = join(directory, name);
      if (directory === site) refuseForeign(path);
      const check = await readCheck(path);
      byId.set(check.id, { ...check, path });
    }
  }
  return [...byId.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
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

async function readCheck(path: string): Promise<Check> {
  const source = readSmallIfThere(path);
  if (source === undefined)
    throw new UsageError(`there is no ${path}`, 'The package is not whole: install it anew.');
  const fromPackage = await precompiled.get(source)?.();
  if (fromPackage) return fromPackage.built;
  const { parseCheck } = await import('./parse-check.ts');
  return parseCheck(path, source);
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
