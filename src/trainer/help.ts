import type { FlagList } from './flag-list.ts';

/** What the text of a program says of its flags: the parts of a list. */
export type Found = Pick<FlagList, 'flags'> &
  Partial<Pick<FlagList, 'aliases' | 'dashes' | 'positionals' | 'abbreviations' | 'unknown' | 'syntax'>>;

type Entry = FlagList['flags'][string];

/**
 * Reads the `--help` of a program that uses Python's argparse: every line that begins a flag, with its metavar, which
 * tells how many values follow, and its choices. argparse does not print types: they are known only of a boolean, a
 * choice, and where the default that is shown has a decimal point.
 */
export function readHelp(text: string): Found {
  const flags: Record<string, Entry> = {};
  const aliases: Record<string, string> = {};
  const hasBoth: boolean[] = [];
  const usage = /^usage:[\s\S]*?\n\s*\n/im.exec(`${text}\n\n`)?.[0] ?? '';
  const required = requiredIn(usage);
  for (const { invocation, help } of entries(text)) {
    const parts = splitOutsideBraces(invocation);
    const names = parts.map((part) => part.split(/[ =]/)[0] ?? '');
    const metavar = parts
      .map((part) => part.slice((part.split(/[ =]/)[0] ?? '').length).trim())
      .find((rest) => rest !== '');
    const name = names.find((one) => one.startsWith('--')) ?? names[0];
    if (name === undefined || names.includes('--help')) continue;
    const entry = entryOf(metavar ?? '', help);
    flags[name] =
      names.some((one) => required.has(one)) && !/\(default/.test(help) ? asRequired(entry) : entry;
    const others = names.filter((one) => one !== name);
    const twin = others.find((one) => sameWords(one, name));
    if (/[_-]/.test(name.slice(2))) hasBoth.push(twin !== undefined);
    for (const other of others) if (!sameWords(other, name)) aliases[other] = name;
  }
  const positional = /^positional arguments:/im.test(text);
  return {
    flags,
    aliases,
    dashes: hasBoth.length > 0 && hasBoth.every(Boolean),
    ...(positional || /\s\.\.\.\s*$/.test(usage)
      ? { positionals: /\s\.\.\.\s*$/.test(usage) ? ('script' as const) : ('taken' as const) }
      : {}),
  };
}

/** The usage puts what may be left out in brackets; one that a person wrote may not, so a default counts for more. */
function requiredIn(usage: string): Set<string> {
  let text = usage;
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replaceAll(/\[[^[\]]*\]/g, ' ');
  }
  // One of a group in parentheses is required, and which is not known.
  return new Set(text.replaceAll(/\([^()]*\)/g, ' ').match(/(?<=\s)--?[A-Za-z][\w.-]*/g) ?? []);
}

function asRequired(entry: Entry): Entry {
  if (typeof entry !== 'string') return { ...entry, required: true };
  const [, type = 'any', nargs = ''] = /^([a-z]+) ?(.*)$/.exec(entry) ?? [];
  if (type === 'flag') return entry;
  const count = nargs === '?' || nargs === '*' || nargs === '+' ? nargs : Number(nargs) || undefined;
  return {
    ...(type === 'str' ? {} : { type: type as 'any' | 'float' | 'bool' }),
    ...(count === undefined ? {} : { nargs: count }),
    required: true,
  };
}

function sameWords(a: string, b: string): boolean {
  return a.startsWith('--') && b.startsWith('--') && a.replaceAll('_', '-') === b.replaceAll('_', '-');
}

/** A flag begins two to four columns in; its help stands behind two blanks, or on lines that are further in. */
function entries(text: string): { invocation: string; help: string }[] {
  const found: { invocation: string; help: string }[] = [];
  // The usage repeats the flags in brackets.
  const lines = text.replaceAll('\r', '').split('\n');
  for (const line of lines) {
    const start = /^ {1,4}(-{1,2}[A-Za-z][^\n]*)$/.exec(line)?.[1];
    if (start !== undefined) {
      const [invocation = '', ...help] = start.split(/ {2,}/);
      found.push({ invocation, help: help.join(' ') });
    } else if (/^ {8,}\S/.test(line)) {
      const last = found.at(-1);
      if (last) last.help += ` ${line.trim()}`;
    }
  }
  return found;
}

function splitOutsideBraces(text: string): string[] {
  return text.split(/,\s+(?=-)/);
}

function entryOf(metavar: string, help: string): Entry {
  if (metavar === '') return 'flag';
  const nargs = nargsOf(metavar);
  const choices = /\{([^{}]*)\}/
    .exec(metavar)?.[1]
    ?.split(',')
    .filter((choice) => choice !== '');
  if (choices && choices.length > 0) return nargs === undefined ? { choices } : { choices, nargs };
  const type = typeOf(help, nargs);
  return nargs === undefined ? type : `${type}${typeof nargs === 'number' ? ` ${nargs}` : nargs}`;
}

/** `X`, `[X]`, `[X ...]`, `X [X ...]`, `[X [X ...]]`, `X Y`. */
function nargsOf(metavar: string): '?' | '*' | '+' | number | undefined {
  const plain = metavar.replaceAll(/\{[^{}]*\}/g, 'X').trim();
  if (/^\[[^\]]*\.\.\.\]$|^\[\S+ \[\S+ \.\.\.\]\]$/.test(plain)) return '*';
  if (/\[\S+ \.\.\.\]$/.test(plain)) return '+';
  if (/^\[\S+\]$/.test(plain)) return '?';
  const count = plain.split(/\s+/).length;
  return count === 1 ? undefined : count;
}

function typeOf(help: string, nargs: unknown): 'bool' | 'float' | 'any' {
  const shown = /\(default:? ([^()]*)\)/.exec(help)?.[1]?.trim() ?? '';
  if (nargs === '?' && /^(True|False)$/.test(shown)) return 'bool';
  return /^-?(\d+\.\d*|\d*\.\d+|\d+(\.\d+)?e-?\d+)$/i.test(shown) ? 'float' : 'any';
}
