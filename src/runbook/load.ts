import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { errorCode, fileError, readIfThere } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import { configHome, type System } from '../system/system.ts';
import { refuseUntrustedTree } from '../system/trusted.ts';
import { precompiled } from './precompiled.ts';
import type { Parsed, Runbook } from './schema.ts';

const CHINESE = '.zh-CN.md';

/** `$OPSCTL_RUNBOOKS`, else `<config home>/runbooks`: a site's own runbooks; one with our name replaces ours. */
export function siteDirectory(env: System['env']): string {
  return env.OPSCTL_RUNBOOKS || join(configHome(env), 'runbooks');
}

/**
 * All runbooks, a site's before ours, by fault id in alphabetical order. The file `noise.md` is among them: it has
 * signatures only.
 * @throws UsageError naming the file and line that is wrong; OpsError for one that cannot be read, and for a site's own
 * that others could have written.
 */
export async function loadRunbooks(system: Pick<System, 'env'>): Promise<Runbook[]> {
  const byFault = new Map<string, Runbook>();
  // What a runbook says is done in this user's name.
  refuseUntrustedTree(siteDirectory(system.env));
  for (const directory of [join(packageRoot(), 'runbooks'), siteDirectory(system.env)]) {
    for (const name of await listMarkdown(directory)) {
      if (name.endsWith(CHINESE)) continue;
      const runbook = await loadRunbook(directory, name);
      byFault.set(runbook.fault, runbook);
    }
  }
  return [...byFault.values()].sort((a, b) => (a.fault < b.fault ? -1 : 1));
}

async function loadRunbook(directory: string, name: string): Promise<Runbook> {
  const path = join(directory, name);
  const fault = basename(name, '.md');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(fault)) {
    throw new UsageError(`${path}: the file's name is the fault's id: lower-case words joined by "-"`);
  }
  const source = (await readIfThere(path)) ?? '';
  const chinese = (await readIfThere(join(directory, `${fault}${CHINESE}`))) ?? '';
  return { fault, path, ...(await parsed(path, source)), bodyZh: chinese.trim() };
}

async function parsed(path: string, source: string): Promise<Parsed> {
  const built = precompiled.get(source);
  if (built) return built;
  const { parseRunbook } = await import('./parse.ts');
  return parseRunbook(path, source);
}

async function listMarkdown(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.md')).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw fileError('cannot list', directory, error);
  }
}
