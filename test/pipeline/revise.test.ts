import { describe, expect, it } from 'vitest';
import type { Stage } from '../../src/pipeline/expand.ts';
import type { PlannedStage } from '../../src/pipeline/plan.ts';
import { stageRecord } from '../../src/pipeline/record.ts';
import { inWords, refuseOthers, revisions } from '../../src/pipeline/revise.ts';
import type { Manifest } from '../../src/run/manifest.ts';
import type { ParameterValue } from '../../src/template/parameter.ts';
import { manifest } from '../run/known.ts';

type Values = Readonly<Record<string, ParameterValue>>;
const resolved = (values: Values, source: 'recipe' | 'default' | 'derived' = 'recipe') =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, source, where: 'p.yaml:1' }]),
  );

/** Two stages, of which the second comes after the first; only what is looked at. */
function planned(name: string, values: Values, more: Partial<Stage> = {}, flags: readonly string[] = []) {
  const stage = { name, phase: 'sft', after: [], when: 'ok', sources: [], ...more };
  const plan = { outputDir: `/o/p-${name}`, parameters: resolved(values) };
  const input = { template: { trainer: 'trl' }, trainerFlags: flags };
  return { stage, runId: `p-${name}`, plan, input } as unknown as PlannedStage;
}
const ran = (values: Values, flags: readonly string[] = []): Manifest =>
  manifest({ parameters: resolved(values), trainerFlags: flags });

const A = planned('a', { seed: 42, max_steps: null });
const B = planned('b', { seed: 42 }, { after: ['a'] });
const RECORD = { pipelineId: 'p', stages: [A, B].map(stageRecord) };
const RAN = [ran({ seed: 42 }), ran({ seed: 42 })];

describe('a pipeline whose file is read again', () => {
  it('is as it was, when nothing was edited', () => {
    expect(revisions(RECORD, RAN, [A, B])).toEqual([]);
  });

  it('says of each stage which parameters and flags are others', () => {
    const now = planned('b', { seed: 7, learning_rate: 1e-5 }, { after: ['a'] }, ['--x', '1']);
    expect(revisions(RECORD, RAN, [A, now]).map(inWords)).toEqual([
      'b: seed: 42 -> 7, learning_rate: none -> 0.00001, flags: none -> --x 1',
    ]);
  });

  it('takes neither the nodes that are kept out now nor a newer default for an edit', () => {
    const now = planned('b', { seed: 42 }, { after: ['a'] });
    Object.assign(
      now.plan.parameters,
      resolved({ exclude: 'n1' }, 'derived'),
      resolved({ new: 1 }, 'default'),
    );
    expect(revisions(RECORD, RAN, [A, now])).toEqual([]);
  });

  it.each<[string, readonly PlannedStage[], string]>([
    ['a stage was added', [A, B, planned('c', {})], 'nothing more, and now c (sft with trl)'],
    ['one was taken out', [A], 'b (sft with trl, after a), and now nothing more'],
    ['one waits for something else', [A, planned('b', { seed: 42 })], 'after a), and now b (sft with trl)'],
    [
      'one waits for a failure',
      [A, planned('b', {}, { after: ['a'], when: 'notok' })],
      'and now b (sft with trl, after a, notok)',
    ],
  ])('is another one when %s', (_, now, said) => {
    expect(() => revisions(RECORD, RAN, now)).toThrow(said);
  });
});

it('lets no stage change that does not run again', () => {
  const revised = [
    { stage: 'a', changes: ['seed: 42 -> 7'] },
    { stage: 'b', changes: ['seed: 42 -> 8'] },
  ];
  expect(() => refuseOthers(revised, ['a', 'b'])).not.toThrow();
  expect(() => refuseOthers(revised, ['b'])).toThrow(/do not run again[\s\S]*a: seed: 42 -> 7$/);
});
