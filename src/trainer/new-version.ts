import { suggest } from '../terminal/suggest.ts';
import type { FlagList } from './flag-list.ts';
import type { Found } from './help.ts';

/** What one version of a program takes that another does not. */
export interface Difference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Of another type, number of values or choices. */
  readonly changed: readonly string[];
  /** A flag that went and one that came, so alike that it is probably the same. */
  readonly renames: readonly { readonly from: string; readonly to: string }[];
}

/**
 * A list for a version from what was found, and from the version before: that gives what a text cannot tell, such as
 * the types of flags that only --help speaks of, whether beginnings of flags are taken, and the frameworks.
 */
export function newVersion(
  program: string,
  version: string,
  source: string,
  found: Found,
  previous: FlagList | undefined,
): FlagList {
  const known = new Map(
    Object.entries(previous?.flags ?? {}).map(([name, entry]) => [sameName(name), entry]),
  );
  const flags = Object.fromEntries(
    Object.entries(found.flags)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => [name, withKnownType(entry, known.get(sameName(name)))]),
  );
  // What was noted of the version before may not be true of this one.
  const { notes: _, ...base }: Partial<FlagList> = previous ?? {};
  return {
    ...base,
    program,
    version,
    source,
    ...(base.frameworks ? { frameworks: moved(base.frameworks, base.version, version) } : {}),
    syntax: found.syntax ?? base.syntax ?? 'argparse',
    ...(found.dashes === undefined ? {} : { dashes: found.dashes }),
    ...(found.abbreviations === undefined ? {} : { abbreviations: found.abbreviations }),
    ...(found.unknown === undefined ? {} : { unknown: found.unknown }),
    ...(found.positionals === undefined ? {} : { positionals: found.positionals }),
    aliases: found.aliases ?? {},
    flags,
  };
}

/** The program's own version among the frameworks has moved; of the others nothing is known. */
function moved(
  frameworks: Readonly<Record<string, string>>,
  from: string | undefined,
  to: string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(frameworks).map(([name, of]) => [name, of === from ? to : of]));
}

/** A version may write the same flag with dashes that another wrote with underscores. */
function sameName(name: string): string {
  return name.replaceAll('_', '-');
}

type Entry = FlagList['flags'][string];

/** `any` gives way to what the version before knew, where the number of values is the same. */
function withKnownType(entry: Entry, before: Entry | undefined): Entry {
  if (before === undefined || before === 'flag') return entry;
  if (typeof entry === 'string' && typeof before === 'string' && entry.startsWith('any'))
    return entry.slice(3) === before.replace(/^[a-z]+/, '') ? before : entry;
  const isOpen = typeof entry === 'object' && entry.type === 'any' && typeof before === 'object';
  return isOpen && entry.nargs === before.nargs && entry.required === before.required ? before : entry;
}

export function compareVersions(before: FlagList, after: FlagList): Difference {
  const old = new Map(Object.entries(before.flags).map(([name, entry]) => [sameName(name), entry]));
  const now = new Set(Object.keys(after.flags).map(sameName));
  const added = Object.keys(after.flags).filter((name) => !old.has(sameName(name)));
  const removed = Object.keys(before.flags).filter((name) => !now.has(sameName(name)));
  const changed = Object.entries(after.flags)
    .filter(
      ([name, entry]) =>
        old.has(sameName(name)) && JSON.stringify(old.get(sameName(name))) !== JSON.stringify(entry),
    )
    .map(([name]) => name);
  const renames = removed.flatMap((from) => {
    const to = suggest(from, added);
    // Each is the other's nearest: else two that went would have become one that came.
    return to !== undefined && suggest(to, removed) === from ? [{ from, to }] : [];
  });
  return { added, removed, changed, renames };
}

/** The text of a list's file: one line a flag, so that a difference between two versions reads well. */
export function listText(list: FlagList): string {
  const { flags, aliases, ...head } = list;
  const entries = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${oneLine(value)}`);
  const maps = Object.entries({
    ...(aliases && Object.keys(aliases).length > 0 ? { aliases } : {}),
    flags,
  }).map(
    ([key, map]) =>
      `  ${JSON.stringify(key)}: {\n${Object.entries(map)
        .map(([name, value]) => `    ${JSON.stringify(name)}: ${oneLine(value)}`)
        .join(',\n')}\n  }`,
  );
  return `{\n${[...entries, ...maps].join(',\n')}\n}\n`;
}

/** JSON with blanks, as a person writes it. */
function oneLine(value: unknown): string {
  return JSON.stringify(value, undefined, 1)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll(/([[{]) | ([\]}])/g, '$1$2');
}
