import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchLiterals } from '../../src/diagnosis/literal-search.ts';

/** Few letters, so that literals are found, nearly found, and overlap. */
const text = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' '), minLength, maxLength });
const literals = fc.uniqueArray(text(6, 12), { minLength: 1, maxLength: 12 });

describe('a search for many literals', () => {
  it('finds what looking for each would, wherever the bytes begin in memory', () => {
    fc.assert(
      fc.property(
        literals,
        text(0, 300),
        text(0, 40),
        fc.nat(9),
        fc.nat(50),
        (sought, log, sample, before, from) => {
          const memory = Buffer.concat([
            Buffer.alloc(before, 'a'),
            Buffer.from(log),
            Buffer.from('aaaaaaaaa'),
          ]);
          const bytes = memory.subarray(before, before + Buffer.byteLength(log));
          const { next, all } = searchLiterals(sought, Buffer.from(sample));
          const there = sought.filter((literal) => log.includes(literal));
          expect([...all(log)].sort()).toEqual([...there].sort());
          const places = sought.map((literal) => bytes.indexOf(literal, from)).filter((at) => at >= 0);
          const place = next(bytes, from);
          // Any literal of the first line that has one will do, so it may be another than the first.
          if (places.length === 0) expect(place).toBe(-1);
          else expect(sought.some((literal) => bytes.indexOf(literal, place) === place)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('finds one that stands alone, at every place', () => {
    const { next } = searchLiterals(['needle', 'a longer needle'], Buffer.from('hay hay'));
    for (let at = 0; at < 40; at += 1) {
      const bytes = Buffer.from(`${'.'.repeat(at)}needle${'.'.repeat(7)}`);
      expect(next(bytes, 0)).toBe(at);
      expect(next(bytes, at + 1)).toBe(-1);
    }
  });

  it('finds the one in the first line of those that have one', () => {
    fc.assert(
      fc.property(literals, fc.array(text(0, 30), { maxLength: 20 }), (sought, lines) => {
        const log = Buffer.from(lines.join('\n'));
        const place = searchLiterals(sought).next(log, 0);
        const line = lines.findIndex((each) => sought.some((literal) => each.includes(literal)));
        const found = place === -1 ? -1 : log.subarray(0, place).toString().split('\n').length - 1;
        expect(found).toBe(line);
      }),
      { numRuns: 1000 },
    );
  });
});
