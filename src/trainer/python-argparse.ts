import type { FlagList } from './flag-list.ts';
import type { Found } from './help.ts';
import { type Argument, literal, literals, readCall } from './python-call.ts';

type Entry = FlagList['flags'][string];

/** Actions without a value; torch's `check_env` is one as well. */
const FLAG_ACTION = /store_true|store_false|store_const|count|BooleanOptionalAction|check_env/;
const TYPES: Readonly<Record<string, 'str' | 'int' | 'float'>> = { str: 'str', int: 'int', float: 'float' };

/** Reads the `add_argument` calls of Python source. A choice that is computed is passed over; `computed` counts the names. */
export function readAddArgument(source: string): Found & { readonly computed: number } {
  const flags: Record<string, Entry> = {};
  const aliases: Record<string, string> = {};
  const hasBoth: boolean[] = [];
  const positionals = new Set<string>();
  let computed = 0;
  for (const match of source.matchAll(/(?<!def )\badd_argument\(/g)) {
    const call = readCall(source, match.index + match[0].length);
    if (call === undefined) continue;
    const names = call.arguments.filter(({ name }) => name === undefined).map(({ text }) => literal(text));
    const words = names.filter((name) => name !== undefined);
    const [first] = words;
    // A bare `add_argument(action)` hands on what another call has named.
    const isNamed = call.arguments.length > 1 || /["'*]/.test(call.arguments[0]?.text ?? '');
    if (isNamed && words.length < names.length) computed += 1;
    if (first === undefined || words.includes('--help')) continue;
    if (!first.startsWith('-')) {
      positionals.add(/REMAINDER/.test(settingOf(call.arguments, 'nargs') ?? '') ? 'script' : 'taken');
      continue;
    }
    const name = words.find((one) => one.startsWith('--')) ?? first;
    flags[name] = entryOf(call.arguments);
    const twins = words.filter(
      (one) => one !== name && one.replaceAll('_', '-') === name.replaceAll('_', '-'),
    );
    if (/[_-]/.test(name.slice(2))) hasBoth.push(twins.length > 0);
    for (const other of words) if (other !== name && !twins.includes(other)) aliases[other] = name;
    if (/BooleanOptionalAction/.test(settingOf(call.arguments, 'action') ?? ''))
      aliases[`--no-${name.slice(2)}`] = name;
  }
  return {
    flags,
    aliases,
    dashes: hasBoth.length > 0 && hasBoth.every(Boolean),
    positionals: positionals.has('script') ? 'script' : positionals.has('taken') ? 'taken' : 'refused',
    computed,
    ...(/allow_abbrev\s*=\s*False/.test(source) ? { abbreviations: false } : {}),
    ...(/\.parse_known_args\(/.test(source) && !/\.parse_args\(/.test(source)
      ? { unknown: 'ignored' as const }
      : {}),
  };
}

function settingOf(given: readonly Argument[], name: string): string | undefined {
  return given.find((one) => one.name === name)?.text;
}

function entryOf(given: readonly Argument[]): Entry {
  if (FLAG_ACTION.test(settingOf(given, 'action') ?? '')) return 'flag';
  const written = settingOf(given, 'type');
  const type = written === undefined ? 'str' : (TYPES[written] ?? 'any');
  const nargs = nargsOf(settingOf(given, 'nargs'));
  const choices = literals(settingOf(given, 'choices') ?? '');
  const required = settingOf(given, 'required') === 'True';
  if (choices === undefined && !required)
    return nargs === undefined ? type : `${type}${typeof nargs === 'number' ? ` ${nargs}` : nargs}`;
  return {
    ...(type === 'str' ? {} : { type }),
    ...(nargs === undefined ? {} : { nargs }),
    ...(choices === undefined ? {} : { choices }),
    ...(required ? { required } : {}),
  };
}

function nargsOf(text: string | undefined): '?' | '*' | '+' | number | undefined {
  if (text === undefined) return undefined;
  const word = literal(text);
  if (word === '?' || word === '*' || word === '+') return word;
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
