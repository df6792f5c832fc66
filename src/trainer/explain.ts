import { suggest } from '../terminal/suggest.ts';
import type { Changes, FlagList } from './flag-list.ts';
import type { ProblemKind } from './problem.ts';

/** Why a flag is not there, and what to write instead. */
export interface Explanation {
  readonly kind: ProblemKind;
  readonly message: string;
  readonly suggestion: string | null;
}

/**
 * Explains a flag that the list does not have: renamed, removed, not there yet, mistyped, or unknown.
 * @param known every spelling the parser accepts, to its flag.
 * @param changes what became of the flags of the frameworks behind the program.
 */
export function explain(
  list: FlagList,
  flag: string,
  known: ReadonlyMap<string, string>,
  changes: readonly Changes[],
): Explanation {
  for (const change of changes) {
    const found = explainChange(list, flag, known, change);
    if (found !== undefined) return found;
  }
  const near = suggest(flag, known.keys()) ?? null;
  return { kind: 'unknown', message: 'there is no such flag', suggestion: near };
}

function explainChange(
  list: FlagList,
  typed: string,
  known: ReadonlyMap<string, string>,
  { framework, from, to, removed, added }: Changes,
): Explanation | undefined {
  const flag = underscored(typed);
  const here = `${framework} ${list.frameworks?.[framework] ?? ''}`.trim();
  if (Object.hasOwn(removed, flag)) {
    const replacement = namesOf(removed[flag]).find((name) => known.has(bare(name)));
    if (replacement !== undefined)
      return {
        kind: 'renamed',
        message: `${framework} has dropped it (it was there in ${from}); ${here} has ${replacement} instead`,
        suggestion: replacement,
      };
    return {
      kind: 'removed',
      message: `${framework} has dropped it (it was there in ${from}, and is not in ${here})`,
      suggestion: null,
    };
  }
  const before = Object.entries(removed).find(
    ([old, now]) => namesOf(now).includes(flag) && known.has(old),
  )?.[0];
  if (before !== undefined)
    return {
      kind: 'renamed',
      message: `it is the later name (${framework} ${to}); in ${here} it is ${before}`,
      suggestion: before,
    };
  if (added?.includes(flag))
    return { kind: 'unknown', message: `${here} does not have it yet (${to} does)`, suggestion: null };
  return undefined;
}

function underscored(flag: string): string {
  return `--${flag.slice(2).replaceAll('-', '_')}`;
}

function namesOf(replacement: string | readonly string[] | null | undefined): readonly string[] {
  return typeof replacement === 'string' ? [replacement] : (replacement ?? []);
}

/** `--optim adafactor` without its value. */
function bare(replacement: string): string {
  return replacement.split(' ')[0] ?? replacement;
}
