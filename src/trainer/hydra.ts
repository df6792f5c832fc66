import { suggest } from '../terminal/suggest.ts';
import type { FlagList } from './flag-list.ts';
import type { FlagProblem } from './problem.ts';
import { isOpen } from './value.ts';

/** Options of Hydra itself that take a value in the next word. */
const WITH_VALUE = new Set([
  '--config-path',
  '-cp',
  '--config-name',
  '-cn',
  '--config-dir',
  '-cd',
  '--package',
  '-p',
  '--cfg',
  '-c',
]);

/**
 * Finds what Hydra would refuse of `key=value`, `+key=value`, `++key=value` and `~key`: in struct mode a key that the
 * configuration has not needs a `+`, and one that it has must not have it.
 * @param words the whole command line; what comes before `start` is not read.
 */
export function checkOverrides(list: FlagList, words: readonly string[], start: number): FlagProblem[] {
  const own = readOwnOptions(words, start);
  if (own.isOther(list.config)) return [];
  const nodes = new Set(Object.keys(list.flags).flatMap(withParents));
  const problems: FlagProblem[] = [];
  own.overrides.forEach(({ word, at }) => {
    const problem = judge(list, nodes, word);
    if (problem) problems.push({ program: list.program, version: list.version, at, ...problem });
  });
  return problems;
}

interface OwnOptions {
  readonly overrides: readonly { readonly word: string; readonly at: number }[];
  /** The keys are those of another configuration than the list's, or of one put together anew. */
  readonly isOther: (config: string | undefined) => boolean;
}

function readOwnOptions(words: readonly string[], start: number): OwnOptions {
  const overrides: { word: string; at: number }[] = [];
  let name: string | undefined;
  let isElsewhere = false;
  for (let at = start; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      // `group@package=choice` puts another part of the configuration in.
      if (/^[+~]*[\w./-]+@/.test(word)) isElsewhere = true;
      overrides.push({ word, at });
      continue;
    }
    const [option = '', inline] = word.split('=', 2);
    const takesNext = inline === undefined && WITH_VALUE.has(option);
    const value = takesNext ? words[at + 1] : inline;
    if (option === '--config-name' || option === '-cn') name = value;
    if (['--config-path', '-cp', '--config-dir', '-cd'].includes(option)) isElsewhere = true;
    if (takesNext) at += 1;
  }
  return {
    overrides,
    isOther: (config) => isElsewhere || (name !== undefined && name.replace(/\.yaml$/, '') !== config),
  };
}

/** `a.b.c`, and the nodes above it: `a.b` and `a` may be given whole. */
function withParents(key: string): string[] {
  const parts = key.split('.');
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
}

function judge(
  list: FlagList,
  nodes: ReadonlySet<string>,
  word: string,
): Pick<FlagProblem, 'kind' | 'flag' | 'message' | 'suggestion'> | undefined {
  const match = /^(\+\+|\+|~)?([^=]*)(=?)/.exec(word);
  const sign = match?.[1] ?? '';
  const key = match?.[2] ?? '';
  if (key === '' || isOpen(key) || key.startsWith('hydra.')) return undefined;
  if (match?.[3] === '' && sign !== '~')
    return { kind: 'misplaced', flag: word, message: 'is not of the form key=value', suggestion: null };
  if (sign === '++') return undefined;
  const value = word.slice(sign.length + key.length);
  if (sign === '+') {
    // What is null, or is given a list or a map, may be added again (`_apply_overrides_to_config` in Hydra's config_loader_impl.py).
    const isOpenEnded = list.flags[key] === 'any' || /^=[[{]/.test(value);
    if (!Object.hasOwn(list.flags, key) || isOpenEnded) return undefined;
    return {
      kind: 'value',
      flag: `+${key}`,
      message: 'is there already, and "+" adds only what is not',
      suggestion: key + value,
    };
  }
  if (nodes.has(key)) return undefined;
  const near = nearKey(key, Object.keys(list.flags));
  const hint = near === undefined ? '; to add a new one, write "+" before it' : '';
  return { kind: 'unknown', flag: key, message: `there is no such key${hint}`, suggestion: near ?? null };
}

/** The same key in another place, or one much like it in the same place: long paths are alike without meaning the same. */
function nearKey(key: string, known: readonly string[]): string | undefined {
  const [above, leaf] = split(key);
  const elsewhere = known.filter((other) => split(other)[1] === leaf);
  const there = suggest(key, elsewhere) ?? (elsewhere.length === 1 ? elsewhere[0] : undefined);
  if (there !== undefined) return there;
  const siblings = known.filter((other) => split(other)[0] === above).map((other) => split(other)[1]);
  const sibling = suggest(leaf, siblings);
  if (sibling !== undefined) return above + sibling;
  return suggest(
    key,
    known.filter((other) => split(other)[1].length > 3 && suggest(leaf, [split(other)[1]]) !== undefined),
  );
}

/** `a.b.` and `c` of `a.b.c`. */
function split(key: string): [string, string] {
  const dot = key.lastIndexOf('.') + 1;
  return [key.slice(0, dot), key.slice(dot)];
}
