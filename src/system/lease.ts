import { link, lstat, lutimes, readdir, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { ensureDirectory, errorCode, fileError, readIfThere, writeAnew } from './files.ts';
import type { System } from './system.ts';

/** Longer than any one step between two renewals takes: every program and every server has a shorter limit. */
const STALE_MS = 60_000;

export interface Lease {
  /** Says that the work goes on: to be called before each step. One that is another's by now is not prolonged. */
  readonly renew: () => Promise<void>;
  /** False when this process was stopped for so long that another one has taken it. */
  readonly holds: () => Promise<boolean>;
  /** Gives it back; one that another process has taken is left to it. */
  readonly release: () => Promise<void>;
}

/**
 * One process at a time changes what is in a directory, on whichever login node. A file, because the directory is what
 * these share: taken with link(2), which is atomic on NFS too. It is free again when its process is gone or has not
 * renewed it for a minute.
 * @throws OpsError 75 when another process has it; `busy` says what that one does.
 */
export async function takeLease(system: System, directory: string, busy: string): Promise<Lease> {
  await ensureDirectory(directory);
  const path = join(directory, '.lock');
  const mine = `${path}.${hostname()}.${process.pid}`;
  const text = JSON.stringify({ host: hostname(), pid: process.pid });
  writeAnew(mine, text);
  try {
    if (!(await tryLink(mine, path))) {
      const isFree = await takeAway(system, path);
      if (!isFree || !(await tryLink(mine, path)))
        throw new OpsError(`another opsctl ${busy} at this moment`, {
          exitCode: EXIT.tryAgain,
          hint: 'Try again when it is done.',
        });
    }
  } finally {
    await unlink(mine).catch(() => undefined);
  }
  await sweepDead(directory);
  const holds = async (): Promise<boolean> => (await readIfThere(path)) === text;
  // One that cannot be read is left alone: it is free again after its time.
  const isMine = (): Promise<boolean> => holds().catch(() => false);
  return {
    renew: async () => {
      const now = system.now();
      if (await isMine()) await lutimes(path, now, now).catch(() => undefined);
    },
    holds,
    release: async () => {
      if (await isMine()) await unlink(path).catch(() => undefined);
    },
  };
}

/** What processes of this machine have left here that were killed on their way to the lease. */
async function sweepDead(directory: string): Promise<void> {
  const prefix = `.lock.${hostname()}.`;
  for (const name of await readdir(directory).catch(() => [])) {
    const pid = name.startsWith(prefix)
      ? /^(\d+)(?:\.old)?$/.exec(name.slice(prefix.length))?.[1]
      : undefined;
    if (pid !== undefined && !isAlive(Number(pid)))
      await unlink(join(directory, name)).catch(() => undefined);
  }
}

async function tryLink(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw fileError('cannot write', path, error);
  }
}

/** Takes a stale lease away. Moved first and read then: one that was renewed by another meanwhile is put back. */
async function takeAway(system: System, path: string): Promise<boolean> {
  const seen = await readIfThere(path);
  if (seen !== undefined && !(await isStale(system, path, seen))) return false;
  const aside = `${path}.${hostname()}.${process.pid}.old`;
  const isMoved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!isMoved) return true;
  const isSame = (await readIfThere(aside)) === seen;
  if (!isSame) await link(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
  return isSame;
}

async function isStale(system: System, path: string, text: string): Promise<boolean> {
  const { host, pid } = holderOf(text);
  if (host === hostname() && pid !== undefined && !isAlive(pid)) return true;
  const found = await lstat(path).catch(() => undefined);
  return found === undefined || system.now().getTime() - found.mtimeMs > STALE_MS;
}

/** Nobody, when it is not what opsctl wrote: then only its age decides. */
function holderOf(text: string): { host?: string; pid?: number } {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
