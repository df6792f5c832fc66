import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REGEX_WINDOW, regexProblem } from '../../src/runbook/safe-regex.ts';
import { effort } from '../support/effort.ts';

describe('a pattern', () => {
  it.each([
    ['(a+)+$', 'repetition inside a repetition'],
    ['(\\w*\\d)*x', 'repetition inside a repetition'],
    ['(a|aa)+$', 'alternatives inside a repetition'],
    ['(?:a{1,9}){1,9}', 'repetition inside a repetition'],
    ['(.)\\1', 'back reference'],
    ['a(?=b)', 'look-around'],
    ['(?<!x)a', 'look-around'],
    ['.*a.*b.*c', 'too many open repetitions'],
    ['(', 'Unterminated group'],
    ['x'.repeat(501), 'longer than'],
  ])('%s is refused', (pattern, reason) => {
    expect(regexProblem(pattern)).toContain(reason);
  });

  it.each([
    'Xid \\(PCI:[\\w:.]{1,30}\\): \\d+',
    'a|b|c.{0,40}d',
    '^(?:foo )?bar[^\\]]$',
    'loss[ :=]{1,4}nan',
  ])('%s is taken', (pattern) => {
    expect(regexProblem(pattern)).toBeUndefined();
  });

  it('that is taken ends soon on hostile lines', () => {
    const atom = fc.constantFrom('a', '.', '[ab]', '\\w', '\\d', 'ab', '(?:a|b)');
    const repeat = fc.constantFrom('', '', '+', '*', '?', '{0,40}', '{2}');
    const pattern = fc.array(fc.tuple(atom, repeat), { maxLength: 6 }).map((parts) => parts.flat().join(''));
    const line = 'ab1'.repeat(REGEX_WINDOW / 3);
    fc.assert(
      fc.property(pattern, (source) => {
        if (regexProblem(`${source}!`) !== undefined) return;
        expect(effort(() => new RegExp(`${source}!`, 'u').test(line))).toBeLessThan(4_000);
      }),
      { numRuns: 200 },
    );
  });
});
