import fc from 'fast-check';
import { expect, it } from 'vitest';
import { oneLine } from '../../src/alert/plain.ts';
import { effort } from '../support/effort.ts';

it.each([
  ['a\r\nb\tc', 'a b c'],
  ['\u001b[31mred\u001b[0m and \u001b]0;title\u0007plain', 'red and plain'],
  ['\u202egnp.exe', 'gnp.exe'],
  ['  a   b  ', 'a b'],
  ['HF_TOKEN=hf_abcdefghijklmnop', 'HF_TOKEN=[secret]'],
  ['中文\u2028日志', '中文 日志'],
])('%j is shown as %j', (text, shown) => expect(oneLine(text)).toBe(shown));

it('whatever comes in, one short line without anything unseen comes out, and the same when it is done twice', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 900 }),
      fc.integer({ min: 10, max: 400 }),
      (text, limit) => {
        const line = oneLine(text, limit);
        expect([...line].length).toBeLessThanOrEqual(limit);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]| {2}/u);
        expect(oneLine(line, limit)).toBe(line);
      },
    ),
  );
});

it('a hostile text of a megabyte takes no time', () => {
  const texts = ['a'.repeat(1e6), ' '.repeat(1e6), '\u001b]'.repeat(5e5), `${'a '.repeat(5e5)}\u0000`];
  expect(
    effort(() => {
      for (const text of texts) oneLine(text);
    }),
  ).toBeLessThan(1000);
});
