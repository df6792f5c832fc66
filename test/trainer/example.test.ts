import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { FlagList } from '../../src/trainer/flag-list.ts';
import { readHelp } from '../../src/trainer/help.ts';
import { listText, newVersion } from '../../src/trainer/new-version.ts';
import { knowledge } from './known.ts';

/** The real parser's --help, which has no types, and its types. The model, which needs torch, gives it one constant. */
const ASK = `
import argparse, json, sys, types
sys.modules['model'] = types.SimpleNamespace(HEAD_SIZE=16)
import options
def tell(parser, argv):
    kinds = {a.option_strings[0]: getattr(a.type, '__qualname__', 'str') for a in parser._actions if a.nargs != 0}
    print(json.dumps({'help': parser.format_help(), 'kinds': kinds}))
    sys.exit()
argparse.ArgumentParser.parse_args = tell
options.parse([])`;

const TYPES: Readonly<Record<string, 'int' | 'float'>> = {
  int: 'int',
  whole: 'int',
  float: 'float',
  number: 'float',
};

function listOf(help: string, kinds: Readonly<Record<string, string>>): FlagList {
  const found = readHelp(help);
  const flags = Object.entries(found.flags).map(([name, entry]) => {
    const type = TYPES[kinds[name]?.split('.')[0] ?? ''] ?? 'str';
    if (typeof entry === 'string')
      return [name, entry === 'flag' ? entry : `${type}${/[?*+]$/.exec(entry)?.[0] ?? ''}`];
    const { type: _, ...rest } = entry;
    return [name, type === 'str' ? rest : { type, ...rest }];
  });
  const all = {
    ...found,
    flags: Object.fromEntries(flags),
    positionals: 'refused',
    abbreviations: false,
  } as const;
  return newVersion('example', '0.1.0', 'examples/lm/options.py', all, undefined);
}

it('the list of the example trainer is what its own parser says (npm run golden writes it anew)', () => {
  const answer = execFileSync('python3', ['-c', ASK], {
    cwd: 'examples/lm',
    encoding: 'utf8',
    env: { PATH: process.env.PATH, COLUMNS: '80' },
  });
  const { help, kinds } = JSON.parse(answer) as { help: string; kinds: Record<string, string> };
  const list = listOf(help, kinds);
  if (process.env.UPDATE_GOLDEN) writeFileSync('trainers/example/0.1.0.json', listText(list));
  else expect(knowledge.lists('example')[0]).toEqual(JSON.parse(listText(list)));
  expect(Object.keys(list.flags).length).toBeGreaterThan(20);
});
