import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { flagOf } from '../../src/trainer/flag.ts';
import { readHelp } from '../../src/trainer/help.ts';
import { knowledge } from './known.ts';

/** The real parser's --help. The model, which needs torch, gives it one constant. */
const HELP = `
import sys, types
sys.modules['model'] = types.SimpleNamespace(HEAD_SIZE=16)
import options
options.parse(['--help'])`;

describe('the list of the example trainer', () => {
  it('has the flags that its own --help has, each with as many values and the same choices', () => {
    const text = execFileSync('python3', ['-c', HELP], { cwd: 'examples/lm', encoding: 'utf8' });
    const shape = (flags: ReturnType<typeof readHelp>['flags']) =>
      Object.keys(flags)
        .sort()
        .map((name) => {
          const flag = flagOf({ program: 'x', version: '1', source: '', syntax: 'argparse', flags }, name);
          return {
            name,
            isFlag: flag?.type === 'flag',
            nargs: flag?.nargs,
            choices: flag?.choices,
            required: flag?.required,
          };
        });
    expect(shape(knowledge.lists('example')[0]?.flags ?? {})).toEqual(shape(readHelp(text).flags));
  });
});
