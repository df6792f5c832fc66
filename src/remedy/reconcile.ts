import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { deedOf } from './deed.ts';
import { type ActEntry, type Entry, isAct, isOpen } from './entry.ts';
import { writeEntry } from './journal.ts';

/** Marks the programs that an act starts, so that one which outlived opsctl is found. */
export const MARK = 'OPSCTL_STEP';
/** On another login node its programs cannot be seen; each has a shorter time limit than this. */
const ELSEWHERE_MS = 5 * 60_000;

/**
 * Finds out what became of acts that were begun and never ended, because opsctl was killed or Slurm fell silent. What
 * cannot be seen stays open, and nothing is done in its place. Under the journal's lease.
 * @returns the journal as it is then.
 */
export async function reconcileJournal(system: System, journal: readonly Entry[]): Promise<Entry[]> {
  const settled: Entry[] = [];
  for (const entry of journal)
    settled.push(isAct(entry) && isOpen(entry) ? await settle(system, entry) : entry);
  return settled;
}

async function settle(system: System, entry: ActEntry): Promise<ActEntry> {
  if (await isAtWork(system, entry)) return entry;
  const deed = await deedOf(entry.action);
  try {
    const after = await deed.see(system, entry.act, entry);
    const result = deed.judge(entry.act, entry.before, after, entry.command);
    if (result === 'unknown') return entry;
    if (result === 'not-done') await deed.undone?.(system, entry);
    const at = system.now().toISOString();
    const said = 'opsctl was ended before it could write this down; it was looked at later';
    const known: ActEntry = { ...entry, outcome: { at, result, said, after } };
    await writeEntry(system, known);
    return known;
  } catch (error) {
    // Blind: it stays open until somebody can see.
    if (error instanceof OpsError) return entry;
    throw error;
  }
}

/** The program may have outlived the opsctl that started it, and act at any moment. */
async function isAtWork(system: System, { id, at, host, command }: ActEntry): Promise<boolean> {
  if (host !== hostname()) return system.now().getTime() - Date.parse(at) < ELSEWHERE_MS;
  const program = basename(command[0] ?? '');
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const comm = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (comm.trim() !== program.slice(0, 15) && comm.trim() !== 'timeout') continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`${MARK}=${id}`)) return true;
  }
  return false;
}
