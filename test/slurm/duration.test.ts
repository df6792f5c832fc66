import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration, parseTimestamp } from '../../src/slurm/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['7-00:00:00', 604_800],
    ['1:30', 90],
    ['90', 5_400],
    ['2-3', 183_600],
    ['2-3:04', 183_840],
    ['01:00:00', 3_600],
    ['0:02', 2],
    ['UNLIMITED', Number.POSITIVE_INFINITY],
    ['INFINITE', Number.POSITIVE_INFINITY],
    ['Partition_Limit', undefined],
    ['INVALID', undefined],
    ['N/A', undefined],
    ['', undefined],
    ['1:2:3:4', undefined],
    ['-5', undefined],
    ['99999999999999999999', undefined],
  ])('reads %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.nat(100_000_000), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds);
      }),
    );
    expect(formatDuration(Number.POSITIVE_INFINITY)).toBe('UNLIMITED');
  });
});

describe('parseTimestamp', () => {
  it('takes seconds, local time, and nothing else', () => {
    expect(parseTimestamp('1795471919')).toBe(1_795_471_919);
    expect(parseTimestamp('2026-11-23T22:11:59')).toBe(new Date(2026, 10, 23, 22, 11, 59).getTime() / 1000);
    for (const text of ['N/A', 'Unknown', 'None', '']) expect(parseTimestamp(text)).toBeNull();
  });
});
