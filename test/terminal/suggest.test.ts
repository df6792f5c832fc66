import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from '../../src/terminal/suggest.ts';

const NAMES = ['nodes', 'learning_rate', 'sft', 'partition'];

describe('suggest', () => {
  it.each([
    ['nods', 'nodes'],
    ['learning-rat', 'learning_rate'],
    ['LEARNING_RATE', 'learning_rate'],
    ['stf', 'sft'],
    ['parttion', 'partition'],
  ])('takes %s for %s', (typed, meant) => {
    expect(suggest(typed, NAMES)).toBe(meant);
  });

  it.each(['xyzzy', 'gpu', ''])('has nothing to offer for "%s"', (typed) => {
    expect(suggest(typed, NAMES)).toBeUndefined();
    expect(didYouMean(typed, NAMES)).toBe('');
  });

  it('has nothing to offer where there is nothing', () => {
    expect(suggest('nodes', [])).toBeUndefined();
  });
});
