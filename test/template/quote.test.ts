import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/template/quote.ts';

describe('shellWord', () => {
  it('leaves plain words as they are, so that scripts stay readable', () => {
    expect(shellWord('/data/llama-2-13b_hf:v1@2,3+4%5')).toBe('/data/llama-2-13b_hf:v1@2,3+4%5');
  });

  it.each([
    ['', "''"],
    ["it's", "'it'\\''s'"],
    ['$(reboot)', "'$(reboot)'"],
    ['a b', "'a b'"],
    ['~', "'~'"],
    ['a=b', "'a=b'"],
  ])('%s becomes %s', (value, word) => {
    expect(shellWord(value)).toBe(word);
  });

  it('gives back through bash exactly what was put in, whatever it is', () => {
    const hostile = fc.string({
      unit: fc.constantFrom(...'\'"`$(){}[]<>|&;!#*?~\\ \t=%,aZ0é中-'),
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            hostile,
            fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0')),
          ),
          { minLength: 20, maxLength: 60 },
        ),
        (values) => {
          const out = execFileSync('bash', ['-c', `printf '%s\\0' ${values.map(shellWord).join(' ')}`]);
          expect(out.toString('utf8').split('\0').slice(0, -1)).toEqual(values);
        },
      ),
      { numRuns: 40 },
    );
  });
});
