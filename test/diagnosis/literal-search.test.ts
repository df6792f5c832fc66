import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Hit, searchLiterals } from '../../src/diagnosis/literal-search.ts';

/** Few letters, so that literals are found, nearly found, and overlap. */
const text = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' '), minLength, maxLength });
const literals = fc.uniqueArray(text(6, 12), { minLength: 1, maxLength: 12 });

describe('a search for many literals', () => {
  it('finds every place of each, wherever the bytes begin in memory', () => {
    fc.assert(
      fc.property(literals, text(0, 300), text(0, 40), fc.nat(9), (sought, log, sample, before) => {
        const memory = Buffer.concat([Buffer.alloc(before, 'a'), Buffer.from(log), Buffer.from('aaaaaaaaa')]);
        const bytes = memory.subarray(before, before + Buffer.byteLength(log));
        const { hits, all } = searchLiterals(sought, Buffer.from(sample));
        const there = sought.filter((literal) => log.includes(literal));
        expect([...all(log)].sort()).toEqual([...there].sort());
        const places = sought.flatMap((literal) => placesOf(literal, bytes).map((at) => ({ literal, at })));
        expect(sorted(hits(bytes))).toEqual(sorted(places));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds one that stands alone, at every place', () => {
    const { hits } = searchLiterals(['needle', 'a longer needle'], Buffer.from('hay hay'));
    for (let at = 0; at < 40; at += 1) {
      const bytes = Buffer.from(`${'.'.repeat(at)}needle${'.'.repeat(7)}`);
      expect(hits(bytes)).toEqual([{ literal: 'needle', at }]);
    }
  });

  it('finds them line by line', () => {
    fc.assert(
      fc.property(literals, fc.array(text(0, 30), { maxLength: 20 }), (sought, lines) => {
        const log = Buffer.from(lines.join('\n'));
        const found = searchLiterals(sought)
          .hits(log)
          .map(({ at }) => log.subarray(0, at).toString().split('\n').length);
        expect(found).toEqual([...found].sort((a, b) => a - b));
      }),
      { numRuns: 1000 },
    );
  });
});

function placesOf(literal: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(literal); at !== -1; at = bytes.indexOf(literal, at + 1)) places.push(at);
  return places;
}

function sorted(hits: readonly Hit[]): Hit[] {
  return [...hits].sort((a, b) => a.at - b.at || a.literal.localeCompare(b.literal));
}
