import type { Argument, Assigned } from './command.ts';
import type { Script } from './script.ts';

/** A word as the program is given it, as far as the script alone tells: what only the shell knows keeps its `$`. */
export interface ExpandedWord {
  readonly value: string;
  /** Offset of where it is written: in the command, or in the assignment of the variable that it comes from. */
  readonly at: number;
}

/** `$ARGS`, `${ARGS}`, `${ARGS[@]}` as a whole word. */
const WHOLE = /^\$(?:(\w+)|\{(\w+)(?:\[[@*]\])?\})$/;
/** `A="$B"`, `B="$A"`, and lists in lists: deeper than any script in the wild. */
const MAX_DEPTH = 5;

/** The assignments of a script by the variable's name. */
export type Assignments = ReadonlyMap<string, readonly Assigned[]>;

export function assignmentsOf({ assigned }: Script): Assignments {
  const byName = new Map<string, Assigned[]>();
  for (const one of assigned) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  return byName;
}

/**
 * The words of a command with the variables and arrays in their place that the script sets itself.
 *
 * A list of flags that grows (`ARGS+=(--a 1)`, `ARGS="$ARGS --b"`), or of which some are added under a condition, is taken
 * whole. Any other variable that is set more than once may hold either: it stays `$NAME`.
 */
export function expandWords(
  words: readonly Argument[],
  assignments: Assignments,
  text: string,
): ExpandedWord[] {
  return words.flatMap(({ value, at, word }) => {
    const isQuoted = word.parts?.[0]?.type === 'DoubleQuoted';
    return expandWord({ value, at }, isQuoted, assignments, text, []);
  });
}

function expandWord(
  word: ExpandedWord,
  isQuoted: boolean,
  assignments: Assignments,
  text: string,
  above: readonly string[],
): readonly ExpandedWord[] {
  const match = WHOLE.exec(word.value);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined || above.length >= MAX_DEPTH) return [word];
  // `ARGS="$ARGS --b"`: what it held before stands elsewhere.
  if (above.includes(name)) return [];
  const all = assignments.get(name) ?? [];
  const pieces = all.map((one) =>
    piecesOf(one, isQuoted, text).flatMap((piece) =>
      expandWord(piece, isQuoted, assignments, text, [...above, name]),
    ),
  );
  const isOne = pieces.length === 1;
  const areFlags = pieces.length > 1 && pieces.every(([first]) => first === undefined || isFlag(first.value));
  return isOne || areFlags ? pieces.flat() : [word];
}

function isFlag(value: string): boolean {
  return /^--?[A-Za-z]/.test(value);
}

/** The words that a value gives: a text outside of quotes is split at its blanks. */
function piecesOf({ value }: Assigned, isQuoted: boolean, text: string): ExpandedWord[] {
  const elements = 'value' in value ? [value] : value;
  return isQuoted
    ? elements.map((element) => ({ value: element.value, at: element.at }))
    : elements.flatMap((element) => splitElement(element, text));
}

/** `$(hostname -i)` is one word for as long as nobody has run it. */
const PIECE = /(?:\$\([^)]*\)|`[^`]*`|\$\{[^}]*\}|[^\s\\])+/g;

function splitElement({ value, at, end }: Argument, text: string): ExpandedWord[] {
  let from = at;
  return (value.match(PIECE) ?? []).map((piece) => {
    const found = text.indexOf(piece, from);
    from = found === -1 || found >= end ? at : found;
    return { value: piece, at: from };
  });
}
