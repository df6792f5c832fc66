import type { FlagList } from './flag-list.ts';

/** What a word that looks like a flag stands for. */
export type Resolved =
  | { readonly kind: 'known'; readonly flag: string }
  | { readonly kind: 'ambiguous'; readonly flags: readonly string[] }
  | { readonly kind: 'unknown' };

/** Every spelling that the parser accepts, to the flag it stands for. */
export function spellings(list: FlagList): Map<string, string> {
  const known = new Map<string, string>();
  for (const flag of Object.keys(list.flags)) {
    known.set(flag, flag);
    if (!list.dashes) continue;
    for (const spelling of otherSpellings(flag)) known.set(spelling, flag);
  }
  for (const [alias, flag] of Object.entries(list.aliases ?? {})) {
    known.set(alias, flag);
    if (!list.dashes) continue;
    for (const spelling of otherSpellings(alias)) if (!known.has(spelling)) known.set(spelling, flag);
  }
  return known;
}

/** All underscores, or all dashes: a mixture is accepted by no parser. */
function otherSpellings(flag: string): string[] {
  if (!flag.startsWith('--')) return [];
  const name = flag.slice(2);
  return [`--${name.replaceAll('_', '-')}`, `--${name.replaceAll('-', '_')}`].filter(
    (other) => other !== flag,
  );
}

/**
 * Resolves a flag as argparse does: the whole name, else the beginning of one name.
 * @param name the flag as typed, without `=value`.
 */
export function resolveName(list: FlagList, known: ReadonlyMap<string, string>, name: string): Resolved {
  const exact = known.get(name);
  if (exact !== undefined) return { kind: 'known', flag: exact };
  if (list.abbreviations === false || !name.startsWith('--') || name === '--') return { kind: 'unknown' };
  const flags = new Set<string>();
  for (const [spelling, flag] of known) if (spelling.startsWith(name)) flags.add(flag);
  const [first] = flags;
  if (first === undefined) return { kind: 'unknown' };
  return flags.size === 1 ? { kind: 'known', flag: first } : { kind: 'ambiguous', flags: [...flags] };
}
