import { describe, expect, it } from 'vitest';
import { summaryLines } from '../../src/commands/drill-text.ts';
import type { Comparison } from '../../src/drill/curve.ts';
import { drills, findDrills } from '../../src/drill/drills.ts';
import { type DrillResult, judge } from '../../src/drill/play.ts';
import type { Attempt } from '../../src/run/manifest.ts';
import { findInjection, injections } from '../../src/sandbox/injections.ts';

const same: Comparison = {
  steps: 32,
  maxLossDifference: 0,
  samplesLost: 0,
  samplesRepeated: 0,
  sameOrder: true,
  equal: true,
};
const attempt = (number: number): Attempt => ({
  attempt: number,
  jobId: '7',
  nodes: ['gnode01'],
  startedAt: '2026-11-25T02:00:00+00:00',
  endedAt: null,
  exitCode: null,
});

describe('the verdict of a drill', () => {
  it('is no proof when the run was not interrupted', () => {
    expect(judge({}, [attempt(0)], same)).toEqual({ verdict: 'failed', why: 'the run was not interrupted' });
  });

  it('needs one attempt only when the fault was found before the run was submitted', () => {
    expect(judge({ before: async () => undefined }, [attempt(0)], same)).toEqual({
      verdict: 'equal',
      why: '',
    });
  });

  it('is "different" when a sample was lost on the way', () => {
    const lost = { ...same, samplesLost: 8, equal: false };
    expect(judge({}, [attempt(0), attempt(1)], lost)).toMatchObject({ verdict: 'different' });
  });
});

describe('the drills', () => {
  it('have names of their own, and "all" is every one of them', () => {
    expect(new Set(drills.map(({ name }) => name)).size).toBe(drills.length);
    expect(findDrills(['all'])).toEqual(drills);
  });

  it('refuse a name that none has, with the one that was meant', () => {
    expect(() => findDrills(['preemt'])).toThrow(/no drill "preemt".*preempt/s);
  });

  it('are shown one a line, with a dash for what did not happen', () => {
    const result: DrillResult = {
      drill: 'cancelled',
      rows: [],
      verdict: 'stopped',
      why: '',
      seconds: { noticed: 1.25, diagnosed: 2, running: null },
      events: [],
      attempts: [attempt(0)],
      comparison: null,
    };
    const [, line] = summaryLines([result], (_style, text) => text);
    expect(line).toMatch(/^cancelled +- +1\.3 s +2\.0 s +- +- +rightly not started again$/);
  });
});

describe('the faults that can be injected', () => {
  it('touch the file systems of the node alone', () => {
    const scripts = injections.flatMap(({ act }) => (act.kind === 'script' ? [act.text] : []));
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect(script).not.toMatch(/\/shared|\$HOME|rm -rf/);
  });

  it('name what there is when a name is wrong', () => {
    expect(() => findInjection('shm-ful')).toThrow(/no fault "shm-ful" to inject.*shm-full/s);
  });
});
