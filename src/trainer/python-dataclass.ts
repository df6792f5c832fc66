import type { FlagList } from './flag-list.ts';
import type { Found } from './help.ts';
import { literals, readCall } from './python-call.ts';

type Entry = FlagList['flags'][string];

/**
 * Reads dataclass fields as transformers' HfArgumentParser makes flags of them: a boolean takes an optional word, and has a
 * `--no_` flag when it is true by default; a list takes one value or more; a field without a default is required; names
 * with `_` may be written with `-` (since transformers 4.47).
 */
export function readDataclasses(source: string): Found {
  const flags: Record<string, Entry> = {};
  for (const body of dataclassBodies(source)) {
    const indent = /^( +|\t+)\S/m.exec(body)?.[1] ?? '    ';
    const field = new RegExp(
      `^${indent}([a-z]\\w*)[ \\t]*:[ \\t]*([^=\\n#]+?)[ \\t]*(?:=[ \\t]*|(?:#.*)?$)`,
      'gm',
    );
    for (const match of body.matchAll(field)) {
      const [whole, name = '', annotation = ''] = match;
      if (annotation.startsWith('ClassVar')) continue;
      const value = whole.trimEnd().endsWith('=') ? valueAt(body, match.index + whole.length) : undefined;
      if (value?.isField && value.settings.init === 'False') continue;
      add(flags, name, annotation, value);
    }
  }
  return { flags, dashes: true };
}

/** The text below each `@dataclass` class, without its docstring. */
function dataclassBodies(source: string): string[] {
  const classes = [
    ...source.matchAll(
      /^@(?:dataclasses\.)?dataclass\b[^\n]*\n(?:@[^\n]*\n)*class \w+(?:\([^)]*\))?:[^\n]*\n/gm,
    ),
  ];
  return classes.map((match) => {
    const start = match.index + match[0].length;
    const end = /^\S/m.exec(source.slice(start))?.index ?? source.length;
    return source.slice(start, start + end).replaceAll(/"""[\s\S]*?"""/g, '""');
  });
}

interface Value {
  readonly isField: boolean;
  readonly settings: Readonly<Record<string, string>>;
  readonly default: string | undefined;
}

function valueAt(body: string, at: number): Value {
  const isField = /^(?:dataclasses\.)?field\(/.exec(body.slice(at, at + 40));
  if (!isField) {
    const line = /^[^\n#]*/.exec(body.slice(at))?.[0].trim() ?? '';
    return { isField: false, settings: {}, default: line };
  }
  const call = readCall(body, at + isField[0].length);
  const settings = Object.fromEntries((call?.arguments ?? []).map(({ name, text }) => [name ?? '', text]));
  return { isField: true, settings, default: settings.default ?? settings.default_factory };
}

function add(flags: Record<string, Entry>, name: string, annotation: string, value: Value | undefined): void {
  const type = annotation.replaceAll(/\s|["']/g, '');
  const plain = /^(?:typing\.)?Optional\[(.*)\]$/.exec(type)?.[1] ?? type.replace(/\|None$|^None\|/, '');
  const required = value?.default === undefined;
  if (plain === 'bool') {
    // Without a default that is not None the word has to be there.
    flags[`--${name}`] = plain === type || (!required && value.default !== 'None') ? 'bool?' : 'bool';
    if (value?.default === 'True') flags[`--no_${name}`] = 'flag';
    return;
  }
  const choices = /^Literal(\[.*\])$/.exec(
    annotation.replaceAll(/\s/g, '').replace(/^Optional\[(.*)\]$/, '$1'),
  )?.[1];
  const words = choices === undefined ? undefined : literals(choices);
  const list = /^(?:list|List)\[(\w+)\]$/.exec(plain);
  const simple = simpleType(list?.[1] ?? plain);
  if (words === undefined && !required) {
    flags[`--${name}`] = list ? `${simple}+` : simple;
    return;
  }
  flags[`--${name}`] = {
    ...(simple === 'str' || words ? {} : { type: simple }),
    ...(list ? { nargs: '+' as const } : {}),
    ...(words ? { choices: words } : {}),
    ...(required ? { required } : {}),
  };
}

function simpleType(text: string): 'str' | 'int' | 'float' | 'any' {
  return text === 'str' || text === 'int' || text === 'float' ? text : 'any';
}
