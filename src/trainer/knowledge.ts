import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallIfThere } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import { configHome, type System } from '../system/system.ts';
import type { Knowledge } from './check.ts';
import type { Changes, FlagList } from './flag-list.ts';

/** A site's own flag lists; one of ours with the same program and version gives way to it. */
export function siteLists(env: System['env']): string {
  return join(configHome(env), 'trainers');
}

function directories(env: System['env']): string[] {
  return [siteLists(env), join(packageRoot(), 'trainers')];
}

const EXTENSION = '.json';

type Read = (path: string, text: string) => FlagList;

/**
 * What is known of programs, read when it is asked for and once.
 *
 * `trainers/PROGRAM/VERSION.json` is one list, `trainers/changes/FRAMEWORK.json` what became of a framework's flags.
 * The package's own are tested; a site's are checked here, and a wrong one is a UsageError with file and place.
 */
export async function loadKnowledge(env: System['env']): Promise<Knowledge> {
  const site = siteLists(env);
  // The schema is loaded by those who have lists of their own.
  const readSite: Read = existsSync(site) ? (await import('./read-list.ts')).readList : readOwn;
  const lists = new Map<string, readonly FlagList[]>();
  const changes = new Map<string, Changes | undefined>();
  const read = (program: string) => (version: string) => {
    const name = join(program, version + EXTENSION);
    const own = readSmallIfThere(join(site, name));
    if (own !== undefined) return readSite(join(site, name), own);
    const path = join(packageRoot(), 'trainers', name);
    return readOwn(path, readSmallIfThere(path) ?? '');
  };
  return {
    lists: (program) => remember(lists, program, () => versionsOf(env, program).map(read(program))),
    changes: (framework) => remember(changes, framework, () => readChanges(framework)),
  };
}

function readOwn(_path: string, text: string): FlagList {
  return JSON.parse(text) as FlagList;
}

/** The versions of a program that there are lists of, newest first. */
export function versionsOf(env: System['env'], program: string): string[] {
  const names = directories(env).flatMap((directory) => {
    const path = join(directory, program);
    return existsSync(path) ? readdirSync(path) : [];
  });
  const versions = names
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length));
  return [...new Set(versions)].sort(newestFirst);
}

/** The programs that there are lists of. */
export function listPrograms(env: System['env']): string[] {
  const names = directories(env).flatMap((directory) =>
    existsSync(directory)
      ? readdirSync(directory, { withFileTypes: true }).filter(
          (entry) => entry.isDirectory() && entry.name !== 'changes',
        )
      : [],
  );
  return [...new Set(names.map(({ name }) => name))].sort();
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}

function readChanges(framework: string): Changes | undefined {
  const text = readSmallIfThere(join(packageRoot(), 'trainers', 'changes', framework + EXTENSION));
  return text === undefined ? undefined : (JSON.parse(text) as Changes);
}

function remember<T>(known: Map<string, T>, key: string, find: () => T): T {
  if (known.has(key)) return known.get(key) as T;
  const value = find();
  known.set(key, value);
  return value;
}
