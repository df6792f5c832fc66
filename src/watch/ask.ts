import { dirname } from 'node:path';
import type { Profile } from '../config/schema.ts';
import type { System } from '../system/system.ts';
import { type Look, look } from './look.ts';
import { type Memory, type RunMemories, readMemory } from './memory.ts';
import { lookAtPlaces, MOST_PATHS, type Places } from './places.ts';
import { knownRuns } from './runs.ts';

/** What a look begins with: Slurm's answers, what the last look left behind, and what can be had while Slurm is asked. */
export interface Asked {
  readonly answer: Look;
  readonly memory: Memory;
  readonly known: Known;
}

/** The runs, and the file systems that they write to. */
export interface Known {
  readonly runs: RunMemories;
  /** Directories that were looked at. */
  readonly directories: ReadonlySet<string>;
  readonly places: Places;
}

/**
 * Asks all at the same time.
 * @throws OpsError 69 without Slurm.
 */
export async function ask(system: System, profile: Profile): Promise<Asked> {
  const remembered = readMemory(system);
  const [answer, known, memory] = await Promise.all([
    look(
      system,
      remembered.then((last) => accountingFrom(system, last, profile)),
    ),
    remembered.then((last) => gatherKnown(system, last, profile)),
    remembered,
  ]);
  return { answer, known, memory };
}

const DAY_S = 24 * 3600;

/** Where accounting has never answered, a day back: what failed last night is news in the morning. */
function accountingFrom(system: System, memory: Memory, { accounting }: Profile): number | null {
  if (accounting === false || !memory.hasAccounting) return null;
  return memory.accountedAt ?? Math.floor(system.now().getTime() / 1000) - DAY_S;
}

export async function gatherKnown(
  system: System,
  memory: Memory,
  { data_root: dataRoot }: Pick<Profile, 'data_root'>,
): Promise<Known> {
  const runs = await knownRuns(system, memory);
  const alive = [...runs.values()].filter(({ over }) => over === null);
  const root = dataRoot !== null && alive.length > 0 ? [dataRoot] : [];
  const parents = new Set([...root, ...alive.map(({ outputDir }) => dirname(outputDir))]);
  const directories = new Set([...parents].slice(0, MOST_PATHS));
  return { runs, directories, places: await lookAtPlaces(system, [...directories]) };
}
