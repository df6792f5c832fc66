import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointName, type Entry, type PruneRules, planPrune } from '../../src/run/prune-plan.ts';

const HOUR = 3_600_000;
const RULES: PruneRules = {
  keep: 2,
  minAgeMs: HOUR,
  nowMs: 100 * HOUR,
  isActive: true,
  inUse: new Set(),
  ownName: 'checkpoint-',
};
const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  kind: 'directory',
  bytes: 1,
  modifiedMs: HOUR,
  isOwn: true,
  isComplete: true,
  identity: name,
  ...more,
});
const reasons = (entries: Entry[], rules: Partial<PruneRules> = {}) =>
  Object.fromEntries(planPrune(entries, { ...RULES, ...rules }).map(({ name, reason }) => [name, reason]));

describe('planPrune', () => {
  it('deletes the older ones and says of each other why it stays', () => {
    const entries = [
      entry('checkpoint-100'),
      entry('checkpoint-200'),
      entry('checkpoint-300'),
      entry('checkpoint-400', { modifiedMs: 2 * HOUR }),
      entry('checkpoint-500', { isComplete: false }),
      entry('bestppl_150'),
      entry('final_400'),
      entry('optimizer-cache'),
      entry('checkpoint-50', { kind: 'link' }),
      entry('checkpoint-90', { modifiedMs: 99.5 * HOUR }),
      // It makes none of ours superfluous.
      entry('checkpoint-900', { isOwn: false }),
    ];
    expect(reasons(entries, { inUse: new Set(['checkpoint-200']) })).toEqual({
      'checkpoint-100': null,
      'checkpoint-200': 'in-use',
      'checkpoint-300': 'among-newest',
      'checkpoint-400': 'newest-complete',
      'checkpoint-500': 'being-written',
      bestppl_150: 'best',
      final_400: 'final',
      'optimizer-cache': 'not-a-checkpoint',
      'checkpoint-50': 'link',
      // Written last, as after a resume from an older one.
      'checkpoint-90': 'newest-complete',
      'checkpoint-900': 'not-yours',
    });
  });

  it('leaves a young one, and takes an incomplete newest one only when no job can be writing it', () => {
    const entries = [
      entry('checkpoint-2'),
      entry('checkpoint-1', { modifiedMs: 0 }),
      entry('checkpoint-3', { isComplete: false, modifiedMs: 0 }),
    ];
    expect(reasons(entries, { keep: 1, minAgeMs: 1000 * HOUR })['checkpoint-1']).toBe('young');
    expect(reasons(entries, { keep: 1 })['checkpoint-3']).toBe('being-written');
    expect(reasons(entries, { keep: 1, isActive: false })['checkpoint-3']).toBeNull();
  });

  it('touches nothing while there is no complete one', () => {
    const entries = [
      entry('checkpoint-1', { isComplete: false }),
      entry('checkpoint-2', { isComplete: false }),
    ];
    expect(Object.values(reasons(entries, { isActive: false }))).toEqual(['being-written', 'being-written']);
  });

  it.each(['checkpoint-7', 'norm_7', 'bestppl_7', 'final_7', 'global_step7', 'iter_0000007'])(
    'knows %s',
    (name) => {
      expect(checkpointName(name, undefined)?.step).toBe(7);
    },
  );

  it.each([
    'checkpoint-7.tmp',
    'checkpoint-',
    'Checkpoint-7',
    'x-checkpoint-7',
    'checkpoint-7/..',
    '..',
    'final_7 ',
  ])('takes %s for no checkpoint', (name) => {
    expect(checkpointName(name, undefined)).toBeUndefined();
  });

  const anyEntry: fc.Arbitrary<Entry> = fc.record({
    name: fc.oneof(
      fc
        .tuple(
          fc.constantFrom('checkpoint-', 'norm_', 'bestppl_', 'final_', 'global_step', 'iter_', 'x-'),
          fc.integer({ min: 0, max: 20 }),
        )
        .map(([kind, step]) => `${kind}${step}`),
      fc.string({ minLength: 1, maxLength: 12 }),
    ),
    kind: fc.constantFrom<Entry['kind']>('directory', 'directory', 'link', 'other'),
    bytes: fc.nat(),
    modifiedMs: fc.integer({ min: 0, max: 100 * HOUR }),
    isOwn: fc.boolean(),
    isComplete: fc.boolean(),
    identity: fc.string(),
  });

  it('holds to its rails whatever lies there', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyEntry, { selector: ({ name }) => name, maxLength: 25 }),
        fc.integer({ min: -3, max: 5 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 50 * HOUR }),
        (entries, keep, isActive, minAgeMs) => {
          const rules = { ...RULES, keep, isActive, minAgeMs };
          const gone = planPrune(entries, rules).filter(({ action }) => action === 'delete');
          const byName = new Map(entries.map((each) => [each.name, each]));
          const complete = entries.filter(
            (each) =>
              each.kind === 'directory' &&
              each.isOwn &&
              each.isComplete &&
              checkpointName(each.name, 'checkpoint-'),
          );
          const steps = complete.map(({ name }) => checkpointName(name, 'checkpoint-')?.step ?? -1);
          for (const { name } of gone) {
            const own = byName.get(name);
            expect([own?.kind, own?.isOwn]).toEqual(['directory', true]);
            expect(name).not.toMatch(/^(?:final|bestppl)_/);
            expect(rules.nowMs - (own?.modifiedMs ?? 0)).toBeGreaterThanOrEqual(minAgeMs);
            expect(checkpointName(name, 'checkpoint-')).toBeDefined();
            // The newest complete one of its kind is another, and stays.
            const kind = checkpointName(name, 'checkpoint-')?.kind;
            const step = checkpointName(name, 'checkpoint-')?.step ?? -1;
            const stays = complete.filter((each) => !gone.some((item) => item.name === each.name));
            expect(stays.length).toBeGreaterThan(0);
            if (own?.isComplete)
              expect(
                stays.some((each) => {
                  const parts = checkpointName(each.name, 'checkpoint-');
                  return parts?.kind === kind && (parts?.step ?? -1) > step;
                }),
              ).toBe(true);
            if (isActive && !own?.isComplete) expect(step).toBeLessThan(Math.max(...steps));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
