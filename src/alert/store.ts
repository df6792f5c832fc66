import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { readIfThere, writeAtomic } from '../system/files.ts';
import { openOwnDirectory, refuseUntrustedState } from '../system/own-directory.ts';
import { type System, stateHome } from '../system/system.ts';
import { type AlertState, NOTHING_KNOWN } from './decide.ts';
import type { Message } from './message.ts';
import { inForce, type Silence } from './silence.ts';

/** What alerting keeps, in one file: what is known, and what was decided with it but may not be in the outbox yet. */
export interface Kept {
  readonly state: AlertState;
  readonly outgoing: readonly Message[];
}

/** `$OPSCTL_HOME/alerts`: `state.json`, `silences.json` and, below `outbox/`, what is to be sent. */
export function alertsDirectory(env: System['env']): string {
  return join(stateHome(env), 'alerts');
}

/** Makes the directory; throws OpsError when somebody else could write there. */
export async function openAlerts(system: Pick<System, 'env'>): Promise<string> {
  refuseUntrustedState(system);
  return openOwnDirectory(alertsDirectory(system.env));
}

export async function readKept(directory: string): Promise<Kept> {
  const kept = await readJson<Kept>(join(directory, 'state.json'));
  return kept ?? { state: NOTHING_KNOWN, outgoing: [] };
}

/** Clears away what a killed process left half-written of the state. Needs the lease: nobody else writes it then. */
export async function sweepKept(directory: string): Promise<void> {
  const names = await readdir(directory);
  const left = names.filter((name) => name.startsWith('state.json.') && name.endsWith('.tmp'));
  for (const name of left) await unlink(join(directory, name)).catch(() => undefined);
}

export async function writeKept(directory: string, kept: Kept): Promise<void> {
  await writeAtomic(join(directory, 'state.json'), JSON.stringify(kept));
}

/** The silences in force; expired ones are not there any more. */
export async function readSilences(directory: string, now: Date): Promise<Silence[]> {
  return inForce((await readJson<Silence[]>(join(directory, 'silences.json'))) ?? [], now);
}

export async function writeSilences(directory: string, silences: readonly Silence[]): Promise<void> {
  await writeAtomic(join(directory, 'silences.json'), `${JSON.stringify(silences, undefined, 2)}\n`);
}

/**
 * @throws OpsError when a file is not what opsctl wrote: it is never taken for an empty one, because then everything
 * would be told once more, or never.
 */
async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new OpsError(`${path} is not what opsctl wrote`, {
      hint: `Move it away ("mv ${path} ${path}.broken"); what was told is told once more then.`,
      cause: error,
    });
  }
}
