import { type Explanation, explain } from './explain.ts';
import { type Flag, flagOf } from './flag.ts';
import type { Changes, FlagList } from './flag-list.ts';
import { resolveName, spellings } from './names.ts';
import type { FlagProblem } from './problem.ts';
import { isOpen, valueProblem } from './value.ts';

/** What a parser would say of the words behind a program. */
export interface Parsed {
  readonly problems: readonly FlagProblem[];
  /** The flags that are given, by their own names. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Where the launcher's own flags end: the index of the script; undefined when it cannot be told. */
  readonly end: number | undefined;
}

/**
 * Reads words as Python's argparse does, and finds what it would refuse.
 * @param words the whole command line; what comes before `start` is not read.
 */
export function parseArguments(
  list: FlagList,
  words: readonly string[],
  start: number,
  changes: readonly Changes[] = [],
): Parsed {
  const known = spellings(list);
  const problems: FlagProblem[] = [];
  const given = new Map<string, string[]>();
  const report = (at: number | null, flag: string, found: Explanation) =>
    problems.push({ program: list.program, version: list.version, at, flag, ...found });
  let isPartial = false;
  let at = start;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === '--' && list.positionals === 'script') return { problems, given, end: at + 1 };
    if (!isFlag(word)) {
      // An array or a variable of the shell may hold flags and values, or nothing.
      if (isOpen(word)) {
        isPartial = true;
        if (list.positionals === 'script') return { problems, given, end: scriptFrom(words, at + 1) };
      } else if (list.positionals === 'script') return { problems, given, end: at };
      else if (list.positionals !== 'taken' && !isPartial) report(at, word, alone(words[at - 1]));
      at += 1;
      continue;
    }
    const [name, inline] = splitFlag(word, known);
    const resolved = resolveName(list, known, name);
    if (resolved.kind !== 'known') {
      if (list.unknown !== 'ignored' && !isHelp(name) && !isOpen(name))
        report(
          at,
          name,
          resolved.kind === 'ambiguous' ? ambiguous(resolved.flags) : explain(list, name, known, changes),
        );
      at = skipValues(list, words, at + 1);
      continue;
    }
    const flag = flagOf(list, resolved.flag);
    const values = inline === undefined ? valuesOf(flag, words, at + 1) : [inline];
    const wrong = flag && judge(flag, values, inline !== undefined, words[at + 1 + values.length]);
    if (wrong) report(at, name, wrong);
    given.set(resolved.flag, values);
    at += 1 + (inline === undefined ? values.length : 0);
  }
  if (!isPartial) problems.push(...missing(list, given));
  return { problems, given, end: undefined };
}

/** `--flag`, `-f`, but not `-1`, `-`, nor a text with a space in it. */
function isFlag(word: string): boolean {
  return word.length > 1 && word.startsWith('-') && !/^-(\d|\.\d)/.test(word) && !/^-[^=]*\s/.test(word);
}

function isHelp(name: string): boolean {
  return name === '-h' || name === '--help';
}

/** `--flag=value` and `-r3`. */
function splitFlag(word: string, known: ReadonlyMap<string, string>): [string, string | undefined] {
  const equals = word.indexOf('=');
  if (word.startsWith('--'))
    return equals === -1 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
  if (word.length > 2 && !known.has(word) && known.has(word.slice(0, 2)))
    return [word.slice(0, 2), word.slice(equals === 2 ? 3 : 2)];
  return [word, undefined];
}

function valuesOf(flag: Flag | undefined, words: readonly string[], from: number): string[] {
  if (flag === undefined || flag.type === 'flag') return [];
  const most = flag.nargs === undefined || flag.nargs === '?' ? 1 : flag.nargs;
  const values: string[] = [];
  while (from + values.length < words.length) {
    const word = words[from + values.length] ?? '';
    if (isFlag(word) || (typeof most === 'number' && values.length === most)) break;
    values.push(word);
  }
  return values;
}

function judge(
  flag: Flag,
  values: readonly string[],
  isInline: boolean,
  next: string | undefined,
): Explanation | undefined {
  const wrong = (message: string, suggestion: string | null = null): Explanation => ({
    kind: 'value',
    message,
    suggestion,
  });
  if (flag.type === 'flag') return isInline ? wrong('takes no value') : undefined;
  const wanted = typeof flag.nargs === 'number' ? flag.nargs : 1;
  const needs = flag.nargs === undefined || flag.nargs === '+' || typeof flag.nargs === 'number';
  if (needs && values.length < wanted && !values.some(isOpen)) {
    const but = next === undefined ? 'nothing follows' : `${JSON.stringify(next)} follows`;
    return wrong(`needs ${wanted === 1 ? 'a value' : `${wanted} values`}, but ${but}`);
  }
  for (const value of values) {
    const problem = valueProblem(flag, value);
    if (problem) return wrong(`${JSON.stringify(value)} ${problem.message}`, problem.suggestion);
  }
  return undefined;
}

function alone(before: string | undefined): Explanation {
  const behind = before?.startsWith('-') ? ` (${before} takes no value)` : '';
  return { kind: 'misplaced', message: `belongs to no flag${behind}`, suggestion: null };
}

function ambiguous(flags: readonly string[]): Explanation {
  return {
    kind: 'unknown',
    message: `stands for more than one flag: ${flags.slice(0, 6).join(', ')}`,
    suggestion: null,
  };
}

/** Nobody knows how many values an unknown flag takes: for a launcher, one, unless that is the script already. */
function skipValues(list: FlagList, words: readonly string[], from: number): number {
  let at = from;
  const last = list.positionals === 'script' ? Math.min(from + 1, words.length) : words.length;
  while (
    at < last &&
    !isFlag(words[at] ?? '') &&
    !(list.positionals === 'script' && isScript(words[at] ?? ''))
  )
    at += 1;
  return at;
}

/** Behind words that only the shell knows: the first that is a Python file for sure. */
function scriptFrom(words: readonly string[], from: number): number | undefined {
  const at = words.findIndex((word, index) => index >= from && isScript(word));
  return at === -1 ? undefined : at;
}

function isScript(word: string): boolean {
  return word.endsWith('.py');
}

function missing(list: FlagList, given: ReadonlyMap<string, unknown>): FlagProblem[] {
  // A configuration file may hold what the command line does not.
  if (given.has('--config')) return [];
  return Object.keys(list.flags)
    .filter((flag) => flagOf(list, flag)?.required === true && !given.has(flag))
    .map((flag) => ({
      program: list.program,
      version: list.version,
      kind: 'missing',
      flag,
      message: 'is missing, and the program does not start without it',
      suggestion: null,
      at: null,
    }));
}
