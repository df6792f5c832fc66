import { UsageError } from '../errors.ts';
import { takeLease } from '../system/lease.ts';
import { currentUser, type System, shortHostname } from '../system/system.ts';
import { newSilence, type Silence, type SilenceMatch } from './silence.ts';
import { openAlerts, readSilences, writeSilences } from './store.ts';

/** Adds a silence; it ends by itself. */
export async function addSilence(
  system: System,
  match: SilenceMatch,
  forMs: number,
  reason: string,
): Promise<Silence> {
  const now = system.now();
  const silence = newSilence({
    ...match,
    reason,
    by: `${currentUser()}@${shortHostname()}`,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + forMs).toISOString(),
  });
  await change(system, (silences) => [...silences, silence]);
  return silence;
}

/** @throws UsageError when there is none of that id, or it has expired. */
export async function removeSilence(system: System, id: string): Promise<Silence> {
  const removed: Silence[] = [];
  await change(system, (silences) => {
    const found = silences.find((silence) => silence.id === id);
    if (found === undefined)
      throw new UsageError(
        `there is no silence ${id}`,
        silences.length === 0 ? 'There is none at all.' : '"opsctl silence list" shows those in force.',
      );
    removed.push(found);
    return silences.filter((silence) => silence !== found);
  });
  const [silence] = removed;
  if (silence === undefined) throw new Error('a silence was removed and is not known');
  return silence;
}

export async function listSilences(system: System): Promise<Silence[]> {
  return readSilences(await openAlerts(system), system.now());
}

async function change(system: System, how: (silences: Silence[]) => Silence[]): Promise<void> {
  const directory = await openAlerts(system);
  const lease = await takeLease(system, `${directory}/silences`, 'is changing silences');
  try {
    await writeSilences(directory, how(await readSilences(directory, system.now())));
  } finally {
    await lease.release();
  }
}
