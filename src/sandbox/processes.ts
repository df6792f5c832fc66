import { readdir, readFile, readlink } from 'node:fs/promises';
import type { ProcessFacts } from './evidence.ts';
import type { ProcessId } from './sandbox.ts';

/** Every process that this user may look into, without opsctl itself and what started it. */
export async function readProcesses(): Promise<ProcessFacts[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const ownMounts = await orEmpty(readlink('/proc/self/ns/mnt'));
  const all = (await Promise.all(pids.map((pid) => readProcess(pid, ownMounts)))).filter(
    (one) => one !== undefined,
  );
  const family = ancestors(process.pid, all);
  return all.filter((one) => !family.has(one.pid));
}

/** Undefined when there is no such process (any more). A zombie has ended: only its parent has not looked yet. */
export async function processId(pid: number): Promise<ProcessId | undefined> {
  const stat = parseStat(await orEmpty(readFile(`/proc/${pid}/stat`, 'utf8')));
  return stat === undefined || stat.zombie ? undefined : { pid, startTime: stat.startTime };
}

/** Still the same process, not another one that was given its number. */
export async function isAlive(id: ProcessId): Promise<boolean> {
  return (await processId(id.pid))?.startTime === id.startTime;
}

async function readProcess(pid: number, ownMounts: string): Promise<ProcessFacts | undefined> {
  const at = `/proc/${pid}`;
  const stat = parseStat(await orEmpty(readFile(`${at}/stat`, 'utf8')));
  if (stat === undefined) return undefined;
  const [argv, environment, mounts] = await Promise.all([
    orEmpty(readFile(`${at}/cmdline`, 'utf8')),
    orEmpty(readFile(`${at}/environ`, 'utf8')),
    orEmpty(readlink(`${at}/ns/mnt`)),
  ]);
  const foreign = mounts !== '' && mounts !== ownMounts;
  return {
    pid,
    ...stat,
    argv: argv.split('\0').filter((word) => word !== ''),
    environment: parseEnvironment(environment),
    foreignMounts: foreign ? await orEmpty(readFile(`${at}/mountinfo`, 'utf8')) : '',
  };
}

/** /proc/PID/stat: `pid (name) state ppid ... starttime`. The name may hold spaces and parentheses itself. */
export function parseStat(text: string): { parent: number; startTime: string; zombie: boolean } | undefined {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
  const [state, parent] = fields;
  // proc(5): state is field 3, starttime field 22.
  const startTime = fields[22 - 3];
  if (state === undefined || parent === undefined || startTime === undefined) return undefined;
  return { parent: Number(parent), startTime, zombie: state === 'Z' || state === 'X' };
}

export function parseEnvironment(text: string): Map<string, string> {
  const pairs = text.split('\0').map((entry): [string, string] => {
    const equals = entry.indexOf('=');
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return new Map(pairs.filter(([name]) => name !== ''));
}

function ancestors(pid: number, all: readonly ProcessFacts[]): Set<number> {
  const parents = new Map(all.map((one) => [one.pid, one.parent]));
  const family = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !family.has(at); at = parents.get(at)) {
    family.add(at);
  }
  return family;
}

/** A process may end, or be someone else's, between two looks at it. */
async function orEmpty(read: Promise<string>): Promise<string> {
  try {
    return await read;
  } catch {
    return '';
  }
}
