import { describe, expect, it } from 'vitest';
import { advance, beginProgress, judged, type Progress, patience } from '../../src/watch/progress.ts';
import { CONFIG, MINUTE } from './support.ts';

const START = Date.parse('2026-11-23T18:00:00Z');
const step = (number: number, more = '') =>
  `0: [default0]:step=${number}/200 epoch=0.10 loss=2.1 lr=4.9e-04 grad_norm=0.9 tokens_per_second=400 tgs=100 samples_seen=8${more}`;
const grow = (before: Progress, minutes: number, lines: string[], checkpointAt: number | null = null) =>
  advance(before, { lines, writtenAt: START + minutes * MINUTE, checkpointAt });

describe('the rhythm of a run', () => {
  it('is learned from its steps, however many a look sees', () => {
    let seen = grow(beginProgress(START), 10, [step(1)]);
    expect(seen).toMatchObject({ stage: 'step', step: 1, rhythm: { start: 600 } });
    seen = grow(seen, 16, [step(2), step(3), step(4)]);
    expect(seen.rhythm.step).toBe(120);
    expect(seen.speeds).toEqual([100, 100]);
    expect(patience(seen, CONFIG)).toEqual({ lastSign: START + 16 * MINUTE, seconds: 600, isLearned: true });
  });

  it('is five times the longest pause, never below the floor and never above the ceiling', () => {
    const at = (pause: number) =>
      patience({ ...beginProgress(START), stage: 'step', rhythm: { step: pause } }, CONFIG).seconds;
    expect([at(1), at(120), at(200), at(10_000)]).toEqual([600, 600, 1000, 7200]);
  });

  it('waits for the ceiling while nothing is known', () => {
    expect(patience(beginProgress(START), CONFIG)).toMatchObject({ seconds: 7200, isLearned: false });
  });

  it('is one of its own for evaluation and for checkpoints', () => {
    let seen = grow(beginProgress(START), 1, [step(1)]);
    seen = grow(seen, 2, [step(2), '***** Running Evaluation *****']);
    expect(seen.stage).toBe('evaluation');
    seen = grow(seen, 42, [step(3)]);
    expect(seen.rhythm.evaluation).toBe(2400);
    seen = grow(seen, 43, ['Saving model checkpoint to /data/checkpoint-3']);
    seen = grow(seen, 45, [step(4)]);
    expect(seen.rhythm.checkpoint).toBe(120);
    expect(seen.rhythm.step).toBeLessThan(120);
  });

  it('is kept for the next attempt, while its steps begin anew', () => {
    const before = grow(grow(beginProgress(START), 10, [step(1)]), 11, [step(2)]);
    const next = beginProgress(START + 60 * MINUTE, before);
    expect(next).toMatchObject({ step: null, stage: 'start', strikes: 0, rhythm: { start: 600 } });
  });
});

describe('a run that stands still', () => {
  const stepping = grow(grow(beginProgress(START), 1, [step(1)]), 3, [step(2)]);
  const look = (before: Progress, minutes: number) => judged(before, CONFIG, START + minutes * MINUTE);

  it('gets a strike at each look after its patience, and none once it moves', () => {
    expect(look(stepping, 12).strikes).toBe(0);
    const first = look(stepping, 14);
    expect(first.strikes).toBe(1);
    expect(look(first, 15).strikes).toBe(2);
    expect(look(grow(first, 15, [step(3)]), 15).strikes).toBe(0);
  });

  it('lives while its log grows or a checkpoint appears, even without a step', () => {
    expect(look(grow(stepping, 13, ['loading shard 7']), 14).strikes).toBe(0);
    expect(look(grow(stepping, 3, [], START + 13 * MINUTE), 14).strikes).toBe(0);
  });

  it('does not live for ever by lines that are no step: a watchdog complains for hours', () => {
    let seen = stepping;
    for (let minute = 4; minute <= 130; minute++)
      seen = grow(seen, minute, ['watchdog: still waiting for the collective']);
    expect(look(seen, 130).strikes).toBe(1);
  });

  it('is not judged by a clock that stands behind', () => {
    expect(look(stepping, -5).strikes).toBe(0);
  });
});

it('sees NaN, and sees it end', () => {
  const seen = grow(beginProgress(START), 1, [step(1).replace('loss=2.1', 'loss=nan')]);
  expect(seen).toMatchObject({ diverged: true, losses: [] });
  expect(grow(seen, 2, ['some other line']).diverged).toBe(true);
  expect(grow(seen, 2, [step(2)]).diverged).toBe(false);
});
