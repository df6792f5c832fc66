import { describe, expect, it } from 'vitest';
import { picture } from '../../src/pipeline/picture.ts';
import { stagesToRedo } from '../../src/pipeline/resume.ts';
import { type StageOutcome, stageOutcome } from '../../src/pipeline/states.ts';
import type { Known } from '../../src/run/status.ts';
import { jobState, UNKNOWN_STATE } from '../../src/slurm/states.ts';
import { cells } from '../../src/terminal/cells.ts';
import { attempt, manifest } from '../run/known.ts';

const known = (state: string | undefined, more: Partial<Known> = {}): Known => ({
  jobId: '12',
  attempts: [],
  notes: [],
  failure: undefined,
  knowledge: {
    state: state === undefined ? UNKNOWN_STATE : jobState(state),
    source: 'none',
    job: undefined,
    exitCode: null,
    signal: null,
    answered: true,
    notes: [],
  },
  ...more,
});

describe('a stage', () => {
  it.each<[string, Known, StageOutcome]>([
    ['runs', known('RUNNING'), 'active'],
    ['has ended well', known('COMPLETED'), 'ok'],
    ['was cancelled while it waited', known('CANCELLED'), 'never'],
    ['was cancelled while it ran', known('CANCELLED', { attempts: [attempt()] }), 'failed'],
    ['is known to nobody and has never begun', known(undefined), 'never'],
    ['is known to nobody and has begun', known(undefined, { attempts: [attempt()] }), 'unknown'],
    ['was not submitted', known(undefined, { jobId: null }), 'planned'],
  ])('that %s is seen as such', (_, now, outcome) => {
    expect(stageOutcome(manifest(), now)).toBe(outcome);
  });

  it('is not taken for gone when Slurm is silent', () => {
    const now = known(undefined);
    expect(stageOutcome(manifest(), { ...now, knowledge: { ...now.knowledge, answered: false } })).toBe(
      'unknown',
    );
  });
});

describe('stagesToRedo', () => {
  const stage = (name: string, after: string[] = [], when: 'ok' | 'notok' | 'any' = 'ok') => ({
    name,
    after,
    when,
  });
  const redo = (stages: ReturnType<typeof stage>[], outcomes: Record<string, StageOutcome>) =>
    stagesToRedo(stages, new Map(Object.entries(outcomes)));

  it('runs what failed and what was to come after it, and nothing that has ended well', () => {
    const stages = [stage('a'), stage('b', ['a']), stage('c', ['b']), stage('d', ['a'])];
    expect(redo(stages, { a: 'ok', b: 'failed', c: 'never', d: 'ok' })).toEqual(['b', 'c']);
  });

  it('leaves what waits or runs alone', () => {
    expect(redo([stage('a'), stage('b', ['a'])], { a: 'active', b: 'active' })).toEqual([]);
  });

  it('lets what stands by for a failure stand by again only when that stage runs again', () => {
    const stages = [stage('a'), stage('b', ['a'], 'notok')];
    expect(redo(stages, { a: 'ok', b: 'never' })).toEqual([]);
    expect(redo(stages, { a: 'failed', b: 'failed' })).toEqual(['a', 'b']);
  });
});

describe('the picture', () => {
  const box = (stage: string, after: string[], more: object = {}) => ({
    stage,
    after,
    when: 'ok' as const,
    state: 'PENDING',
    outcome: 'active' as const,
    jobId: '7',
    reason: 'Dependency',
    elapsedSeconds: null,
    ...more,
  });
  const draw = (unicode: boolean, width = 80) =>
    picture(
      [box('a', []), box('b', ['a']), box('c', ['b']), box('d', ['b'], { when: 'notok' }), box('e', ['d'])],
      { unicode, width, style: (_, text) => text },
    );

  it('goes straight down a chain and forks', () => {
    expect(draw(true)).toEqual([
      '◐ a    PENDING  job 7  (Dependency)',
      '│',
      '◐ b    PENDING  job 7  (Dependency)',
      '├─◐ c  PENDING  job 7  (Dependency)',
      '└─◐ d  PENDING  job 7  if that fails  (Dependency)',
      '  │',
      '  ◐ e  PENDING  job 7  (Dependency)',
    ]);
  });

  it('has only ASCII where the terminal has no more, and is never wider than it', () => {
    const lines = draw(false, 24);
    expect(lines.join('')).toMatch(/^[ -~]*$/);
    expect(Math.max(...lines.map(cells))).toBeLessThanOrEqual(24);
  });
});
