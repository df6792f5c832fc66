import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { errorCode, fileError, readIfThere } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { processesOf } from './evidence.ts';
import { isBelow } from './namespace.ts';
import { isAlive, readProcesses } from './processes.ts';
import { isMarker, layout, writeKept } from './sandbox.ts';
import { poll } from './wait.ts';

const END_LIMIT_MS = 15_000;

/**
 * Ends every process of a sandbox, whatever state it is in, and counts them. SIGKILL at once: nothing that they
 * could still write is kept. Looks again until there is none, since a process may start another meanwhile.
 */
export async function endProcesses(dir: string): Promise<number> {
  const ended = new Set<string>();
  let left = await remaining(dir);
  const gone = await poll(END_LIMIT_MS, async () => {
    for (const one of left) {
      ended.add(`${one.pid} ${one.startTime}`);
      if (await isAlive(one)) endProcess(one.pid);
    }
    left = await remaining(dir);
    return left.length === 0 || undefined;
  });
  if (gone) return ended.size;
  const pids = left.map((one) => one.pid).join(' ');
  throw new OpsError(`these processes of ${dir} do not end: ${pids}`, {
    hint: `They wait for the kernel or belong to someone else; see "ps -o pid,user,stat,wchan:20,args -p ${pids}", then run "opsctl sandbox down" again.`,
    exitCode: EXIT.tryAgain,
  });
}

async function remaining(dir: string) {
  return processesOf(dir, await readProcesses());
}

/** Ends one process at once. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself; and what may not be ended is told by the limit.
    if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error;
  }
}

/** What to do with `shared/`, the users' data: always delete it, or only when nothing is in it. */
export type SharedData = 'delete' | 'keep-unless-empty';

/**
 * Deletes a sandbox's files, its marker last: after a crash half-way the rest is still known to be a sandbox.
 * Data that stays is marked as a sandbox's before that. Never follows a link, and refuses to go through a mount
 * that someone put below the directory.
 * @returns whether the directory itself is gone.
 */
export async function deleteFiles(system: System, dir: string, shared: SharedData): Promise<boolean> {
  await refuseMounts(dir);
  const entries: string[] = await readdir(dir).catch((error) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', dir, error);
  });
  const files = layout(dir);
  const last = entries.filter(isMarker);
  const data = [files.shared, files.kept];
  for (const path of entries.filter((one) => !last.includes(one)).map((one) => join(dir, one))) {
    if (!data.includes(path)) await deleteTree(system, path);
  }
  if (shared === 'delete') await deleteTree(system, files.shared);
  if (shared === 'delete' || (await removeEmpty(files.shared))) await deleteTree(system, files.kept);
  else if (!entries.includes(basename(files.kept))) await writeKept(dir);
  for (const entry of last) await deleteTree(system, join(dir, entry));
  return removeEmpty(dir);
}

/** @throws OpsError when something is mounted below the directory: deleting it would delete what lies there. */
export async function refuseMounts(dir: string): Promise<void> {
  const table = (await readIfThere('/proc/self/mountinfo')) ?? '';
  // proc(5): the mount point is field 5; a space in it is written \040.
  const mounts = table.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  const inside = mounts.filter((point) => isBelow(point, dir));
  if (inside.length === 0) return;
  throw new OpsError(`something is mounted below ${dir}: ${inside.join(', ')}`, {
    hint: 'opsctl did not mount it and does not delete through it: unmount it, then run "opsctl sandbox down" again.',
  });
}

async function deleteTree(system: System, path: string): Promise<void> {
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EPERM')
      throw fileError('cannot delete', path, error);
    // chmod follows a link that it is given, and what that leads to is not the sandbox's.
    const isLink = await lstat(path).then(
      (seen) => seen.isSymbolicLink(),
      () => true,
    );
    if (isLink) throw fileError('cannot delete', path, error);
    // A job may take away its own user's right to write a directory. chmod -R follows no links it meets.
    await system.exec(['chmod', '-R', 'u+rwX', '--', path], { env: system.env, timeoutMs: 60_000 });
    await remove().catch((again) => {
      throw fileError('cannot delete', path, again);
    });
  }
}

/** Removes a directory that is empty; true when it is not there afterwards. */
export async function removeEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
    throw fileError('cannot delete', path, error);
  }
}
