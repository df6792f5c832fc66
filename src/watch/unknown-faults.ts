import type { Profile } from '../config/schema.ts';
import { loadRunbooks } from '../runbook/load.ts';
import type { System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { RULES } from './rules.ts';

/** A sentence for each fault that the policy has a level for and nothing can find: a level that never holds. */
export async function unknownFaults(
  system: System,
  { automation }: Pick<Profile, 'automation'>,
): Promise<string[]> {
  const named = Object.keys(automation.faults);
  if (named.length === 0) return [];
  const books = await loadRunbooks(system);
  const known = new Set([...books.map(({ fault }) => fault), ...RULES.flatMap(({ faults }) => faults)]);
  return named
    .filter((fault) => !known.has(fault))
    .map((fault) => `automation.faults names ${fault}, which is no fault.${didYouMean(fault, known)}`);
}
