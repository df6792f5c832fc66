import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { straightCommands } from '../../src/run/expand.ts';
import { shellWord } from '../../src/template/quote.ts';

/** What bash makes of it, with a `program` that prints its words. */
function bash(text: string): string[] {
  const printed = execFileSync('bash', ['-c', `program() { printf '%s\\0' "$@"; }\nf() {\n${text}\n}\nf`], {
    encoding: 'utf8',
    // bash reads ~/.bashrc when its standard input is a socket.
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, NAME: '$NAME' },
  });
  return printed.split('\0').slice(0, -1);
}

describe('straight shell text', () => {
  it.each([
    'program a b  c # not this',
    `program 'a b' "c d" e\\ f ''`,
    'program "$NAME" x"$NAME"y ${NAME}z',
    'program a \\\n  b \\\n  c',
    'local x=1 y=\'a b\'\nprogram "$x" "$y"',
    'local list=(\n  a "b c" # a remark\n  --d $NAME\n)\nlist+=(more)\nprogram "${list[@]}" end',
    'export P=/x${P:+:$P}\nprogram "a\\"b" "c\\\\d" \'e"f\'',
    'local none=()\nprogram a "${none[@]}" b',
  ])('is read as bash reads it: %j', (text) => {
    expect(straightCommands(text)?.map((argv) => argv.slice(1))).toEqual([bash(text)]);
  });

  it.each([
    'if true; then program a; fi',
    'program a | tee b',
    'program a &',
    'program $(date)',
    'program *.jsonl',
    'program `date`',
    'for x in a b; do program "$x"; done',
    'A=1 program a',
    'program "${missing[@]}"',
    "program 'open",
  ])('is left to bash where it is not: %j', (text) => {
    expect(straightCommands(text)).toBeUndefined();
  });

  it('gives back any words that were quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 12 }).filter((word) => !/[\0\n]/.test(word))), (words) => {
        expect(straightCommands(`program ${words.map(shellWord).join(' ')}`)).toEqual([
          ['program', ...words],
        ]);
      }),
    );
  });
});
