import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lease, takeLease } from '../system/lease.ts';
import { openOwnDirectory, refuseUntrustedState } from '../system/own-directory.ts';
import type { System } from '../system/system.ts';
import { watchDirectory } from './memory.ts';

/** A lease is free again after a minute: it is renewed well before, also while a mail server keeps one waiting. */
const RENEW_MS = 20_000;

/**
 * The right to watch this state directory, kept until it is released.
 * @throws OpsError 75 when another process has it; 1 when others could have written what it remembers.
 */
export async function takeWatch(system: System): Promise<Lease> {
  refuseUntrustedState(system);
  const directory = await openOwnDirectory(watchDirectory(system.env));
  const lease = await takeLease(system, directory, 'watches');
  // What a killed watcher left half-written: nobody else writes here now.
  const left = (await readdir(directory)).filter((name) => name.endsWith('.tmp'));
  await Promise.all(left.map((name) => unlink(join(directory, name)).catch(() => undefined)));
  const renewal = setInterval(() => {
    // One that is another's by now must not be prolonged.
    void lease.holds().then((isOurs) => (isOurs ? lease.renew() : undefined));
  }, RENEW_MS);
  renewal.unref();
  return {
    ...lease,
    release: async () => {
      clearInterval(renewal);
      if (await lease.holds()) await lease.release();
    },
  };
}
