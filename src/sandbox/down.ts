import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { deleteFiles, endProcess, endProcesses, refuseMounts, removeEmpty } from './end.ts';
import { lockPlace } from './lock.ts';
import type { Place } from './place.ts';
import { isAlive } from './processes.ts';
import { layout, readSandbox, refuseElsewhere } from './sandbox.ts';
import { poll } from './wait.ts';

/** An `up` that was ended gives the lock back at once, another `down` when it is done. */
const LOCK_LIMIT_MS = 20_000;

export interface DownResult {
  /** Something was there to end or delete. */
  readonly found: boolean;
  readonly processesEnded: number;
  /** Where the users' data still lies, when it was kept. */
  readonly kept: string | null;
}

/**
 * Ends a sandbox and deletes it, in whatever state a crash, a kill -9 or a reboot left it. Processes are found
 * also when the directory was deleted by hand.
 */
export async function down(system: System, place: Place, keepShared: boolean): Promise<DownResult> {
  const found = await readSandbox(place.dir);
  if (found.kind === 'foreign') {
    throw new UsageError(
      `${place.dir} is no sandbox: it has neither sandbox.json nor what "down --keep" leaves. Nothing was touched.`,
      'Name the directory that "opsctl sandbox up" printed.',
    );
  }
  if (found.kind === 'sandbox') refuseElsewhere(found.sandbox);
  await refuseMounts(place.dir);
  const starter = found.kind === 'sandbox' ? found.sandbox.starter : null;
  if (starter !== null && (await isAlive(starter))) endProcess(starter.pid);
  const unlock = await poll(LOCK_LIMIT_MS, () => lockPlace(place.dir));
  if (unlock === undefined) {
    throw new OpsError(`another "opsctl sandbox up" or "down" is at work on ${place.dir}`, {
      exitCode: EXIT.tryAgain,
    });
  }
  try {
    const processesEnded = await endProcesses(place.dir);
    const wasThere = found.kind === 'sandbox' || found.kind === 'half-made' || processesEnded > 0;
    const data = keepShared || found.kind === 'kept' ? 'keep-unless-empty' : 'delete';
    const gone = await deleteFiles(system, place.dir, data);
    if (place.own) await removeEmpty(dirname(place.dir));
    return { found: wasThere, processesEnded, kept: gone ? null : layout(place.dir).shared };
  } finally {
    await unlock();
  }
}

/** How many entries of the users' data `down` would delete: it says so before. */
export async function sharedEntries(dir: string): Promise<number> {
  const found = await readSandbox(dir);
  if (found.kind !== 'sandbox' && found.kind !== 'half-made') return 0;
  if (found.kind === 'sandbox') refuseElsewhere(found.sandbox);
  const path = layout(dir).shared;
  try {
    return (await readdir(path)).length;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw fileError('cannot read', path, error);
  }
}
