import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cells } from '../../src/terminal/cells.ts';
import { formatSpan } from '../../src/terminal/span.ts';
import { wrap } from '../../src/terminal/wrap.ts';

describe('wrap', () => {
  it('breaks at spaces, and indents what follows', () => {
    expect(wrap('the disk is full on all nodes', 14, '  ')).toEqual([
      'the disk is',
      '  full on all',
      '  nodes',
    ]);
  });

  it('breaks Chinese anywhere, and counts two cells for a character', () => {
    expect(wrap('磁盘空间已用完', 6)).toEqual(['磁盘空', '间已用', '完']);
  });

  it('never makes a line too long and never loses a letter, whatever the text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'bc', ' ', '磁', '，', '/', '-') });
    fc.assert(
      fc.property(text, fc.integer({ min: 6, max: 40 }), (words, width) => {
        const lines = wrap(words, width, '  ');
        expect(Math.max(...lines.map(cells))).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(words.replaceAll(' ', ''));
      }),
    );
  });
});

describe('a time that has passed', () => {
  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [725, '12 min'],
    [11_100, '3 h 5 min'],
    [7_200, '2 h'],
    [187_200, '2 d 4 h'],
    [-5, '0 s'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });
});
