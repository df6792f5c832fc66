import type { System } from '../system/system.ts';
import type { Template } from '../template/load.ts';
import type { FlagList } from '../trainer/flag-list.ts';

/** The flags of one version of a trainer's program, in one spelling. */
export type VersionFlags = ReadonlySet<string>;

export function flagsOfList({ flags, aliases = {} }: Pick<FlagList, 'flags' | 'aliases'>): VersionFlags {
  return new Set([...Object.keys(flags), ...Object.keys(aliases)].map(spelling));
}

export function hasFlag(flags: VersionFlags, flag: string): boolean {
  return flags.has(spelling(flag));
}

/** Lists that were read from `--help` have dashes where others have underscores. */
function spelling(flag: string): string {
  return flag.replaceAll('-', '_');
}

/**
 * The flags of the version that a user has chosen with `trainer_version`; undefined where the template's own version runs,
 * and for one that there is no list of, which checking the flags refuses.
 */
export async function chosenFlags(
  env: System['env'],
  { front: { program } }: Pick<Template, 'front'>,
  chosen: unknown,
): Promise<VersionFlags | undefined> {
  if (typeof chosen !== 'string' || program === undefined) return undefined;
  const { loadKnowledge } = await import('../trainer/knowledge.ts');
  const list = (await loadKnowledge(env)).lists(program).find(({ version }) => version === chosen);
  return list && flagsOfList(list);
}
