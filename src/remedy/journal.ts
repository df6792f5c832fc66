import { readdir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import { type Lease, takeLease } from '../system/lease.ts';
import { openOwnDirectory, refuseUntrustedState } from '../system/own-directory.ts';
import { currentUser, type System, stateHome } from '../system/system.ts';
import type { ActEntry, Entry, NoteEntry } from './entry.ts';
import type { Plan, Step } from './step.ts';

/** Older entries say nothing about what is to be done now; they stay on disk. */
const LOOK_BACK_MS = 30 * 24 * 3600 * 1000;
const AT_ONCE = 64;

export function journalDirectory(env: System['env']): string {
  return join(stateHome(env), 'journal');
}

/**
 * One at a time may change things, on whichever login node: takes the lease of the journal, does the work, gives it back.
 * @throws OpsError 75 when another opsctl has it; 1 when others could have written the journal.
 */
export async function withJournal<T>(system: System, work: (lease: Lease) => Promise<T>): Promise<T> {
  refuseUntrustedState(system);
  const directory = await openOwnDirectory(journalDirectory(system.env));
  const lease = await takeLease(system, directory, 'repairs something');
  try {
    await sweep(directory);
    return await work(lease);
  } finally {
    await lease.release();
  }
}

/** Only who has the lease writes here, so a temporary file is one that a crash has left. */
async function sweep(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.tmp'));
  for (const name of names) await unlink(join(directory, name)).catch(() => undefined);
}

/**
 * What was done in the last 30 days, oldest first.
 * @throws OpsError 3 for an entry that cannot be read: without it nobody knows what was done, so nothing may be done.
 */
export async function readJournal(system: System): Promise<Entry[]> {
  const directory = journalDirectory(system.env);
  const from = stamp(new Date(system.now().getTime() - LOOK_BACK_MS).toISOString());
  const names = (await namesIn(directory))
    .filter((name) => /^\d{8}T\d{9}Z-.*\.json$/.test(name) && name >= from)
    .sort();
  const entries: Entry[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE);
    entries.push(...(await Promise.all(some.map((name) => readEntry(join(directory, name))))));
  }
  return entries;
}

/** A journal that is not there yet is empty; one that cannot be read is not. */
async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', directory, error);
  });
}

async function readEntry(path: string): Promise<Entry> {
  try {
    const entry = JSON.parse((await readIfThere(path)) ?? '') as Entry;
    if (entry.version === 1 && typeof entry.id === 'string') return entry;
  } catch {
    // Said below.
  }
  throw new OpsError(`the journal's ${path} cannot be read: nothing is done, because nobody knows what was`, {
    exitCode: EXIT.unknown,
    hint: 'Look at it, and move it away when you know what became of it.',
  });
}

/** Writes an entry, whole and flushed to the disk, or its second version in the place of the first. */
export async function writeEntry(system: System, entry: Entry): Promise<void> {
  const name = `${stamp(entry.at)}-${entry.kind}-${entry.id}.json`;
  await writeAtomic(join(journalDirectory(system.env), name), `${JSON.stringify(entry, undefined, 1)}\n`);
}

/** `2026-11-25T02:15:00.123Z` as a part of a file's name that sorts by time. */
function stamp(iso: string): string {
  return iso.replace(/[-:.]/g, '');
}

/** What is about to be done. */
export function intentOf(
  system: System,
  step: Step,
  plan: Plan,
  attended: boolean,
  before: ActEntry['before'],
): ActEntry {
  return {
    version: 1,
    kind: 'act',
    id: step.id,
    at: system.now().toISOString(),
    by: currentUser(),
    host: hostname(),
    pid: process.pid,
    attended,
    runId: plan.runId,
    jobId: plan.jobId,
    fault: plan.fault,
    level: step.level,
    action: step.action,
    act: step.act,
    command: step.command,
    reason: step.reason,
    evidence: plan.evidence,
    checkpointStep: plan.newestStep,
    before,
    outcome: null,
  };
}

export function noteOf(
  system: System,
  kind: NoteEntry['kind'],
  of: Pick<NoteEntry, 'runId' | 'fault' | 'reason'>,
): NoteEntry {
  const at = system.now().toISOString();
  return { version: 1, kind, id: `${process.pid}`, at, by: currentUser(), ...of };
}
