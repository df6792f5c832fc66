import type { FlagList } from './flag-list.ts';

export type FlagType = 'str' | 'int' | 'float' | 'bool' | 'flag' | 'any';

/** One flag, with everything said. */
export interface Flag {
  /** `flag` takes no value; `bool` takes a word for yes or no; `any` is not judged. */
  readonly type: FlagType;
  /** How many values follow; undefined is exactly one. */
  readonly nargs: '?' | '*' | '+' | number | undefined;
  readonly choices: readonly string[] | undefined;
  readonly required: boolean;
}

/** A flag of a list, or undefined when the list has none of that name. */
export function flagOf(list: FlagList, name: string): Flag | undefined {
  const entry = Object.hasOwn(list.flags, name) ? list.flags[name] : undefined;
  if (entry === undefined) return undefined;
  if (typeof entry === 'string') return { ...readShorthand(entry), choices: undefined, required: false };
  return {
    type: entry.type ?? 'str',
    nargs: entry.nargs,
    choices: entry.choices,
    required: entry.required ?? false,
  };
}

function readShorthand(text: string): Pick<Flag, 'type' | 'nargs'> {
  const type = /^[a-z]+/.exec(text)?.[0] as FlagType;
  const rest = text.slice(type.length);
  if (rest === '') return { type, nargs: undefined };
  return { type, nargs: rest === '?' || rest === '*' || rest === '+' ? rest : Number(rest) };
}
