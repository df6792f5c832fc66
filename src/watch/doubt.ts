import type { System } from '../system/system.ts';
import type { Known } from './ask.ts';
import type { Look } from './look.ts';
import { type Memory, type RunMemory, writeMemory } from './memory.ts';

/**
 * A queue that is empty while runs were alive a moment ago, and no accounting that says how they ended, is no answer:
 * squeue prints nothing and exits with 0 when slurmctld has just lost its state.
 */
export function withDoubt(seen: Look, memory: Memory): Look {
  return isDoubtful(seen, memory) && !isOldDoubt(seen, memory) ? { ...seen, queue: undefined } : seen;
}

/** A controller that has lost its state has other jobs, or none, long before: then the queue is empty indeed. */
const DOUBT_S = 900;

function isDoubtful(seen: Look, memory: Memory): boolean {
  const isSilent = seen.queue?.length === 0 && (seen.accounting ?? []).length === 0;
  return isSilent && [...memory.runs.values()].some(isAlive);
}

/** Doubted since long, and sinfo answers: a watcher that stays blind for good would watch nothing any more. */
function isOldDoubt({ at, nodes }: Look, { doubtedSince }: Memory): boolean {
  return doubtedSince !== undefined && nodes !== undefined && at.getTime() / 1000 - doubtedSince > DOUBT_S;
}

function isAlive({ over, startTime }: RunMemory): boolean {
  return over === null && startTime !== null;
}

/** Runs of whose end nobody will say anything any more: an empty queue that is believed in the end. */
export function lostRuns(seen: Look, memory: Memory): string[] {
  if (!isDoubtful(seen, memory)) return [];
  return [...memory.runs].filter(([, run]) => isAlive(run)).map(([runId]) => runId);
}

/** With those forgotten as running: the next empty queue is no surprise any more. */
export function withoutStarts(known: Known, lost: readonly string[]): Known {
  if (lost.length === 0) return known;
  const runs = new Map(known.runs);
  for (const runId of lost) {
    const run = runs.get(runId);
    if (run !== undefined) runs.set(runId, { ...run, startTime: null });
  }
  return { ...known, runs };
}

/**
 * A doubt lasts while squeue and sinfo both answer. One that did not may have stood still and begun anew: what it says then
 * is doubted from its beginning.
 */
export async function keepDoubt(system: System, { at, queue, nodes }: Look, memory: Memory): Promise<void> {
  const { doubtedSince, ...rest } = memory;
  const isAnswered = queue !== undefined && nodes !== undefined;
  if (isAnswered === (doubtedSince !== undefined)) return;
  const since = isAnswered ? { doubtedSince: Math.floor(at.getTime() / 1000) } : {};
  await writeMemory(system, { ...rest, ...since });
}

/** Of ten thousand a person reads a few. */
export function listed(runIds: readonly string[]): string {
  const more = runIds.length - 5;
  return `${runIds.slice(0, 5).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
