import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../src/pipeline/file.ts';

const stages = (text: string) => parsePipeline('p.yaml', text).stages;
const chain = (text: string) => stages(text).map(({ name, after }) => `${after.join('+')}>${name}`);
const model = (text: string, name: string) =>
  stages(text)
    .find((stage) => stage.name === name)
    ?.sources.find(({ parameter }) => parameter === 'model')?.from;

describe('the stages of a pipeline', () => {
  it('wait each for the one before, and go on from its checkpoint', () => {
    const text = 'stages: [{ phase: pretrain }, { phase: cpt }, { phase: sft }]';
    expect(chain(text)).toEqual(['>pretrain', 'pretrain>cpt', 'cpt>sft']);
    expect(model(text, 'sft')).toBe('cpt');
    expect(model(text, 'pretrain')).toBeUndefined();
  });

  it('are written out for each round of a repetition, with the round in their values', () => {
    const text =
      'stages: [{ repeat: 3, stages: [{ phase: sft, parameters: { data: "/d/{round}" } }, { phase: dpo }] }]';
    expect(chain(text)).toEqual([
      '>sft-1',
      'sft-1>dpo-1',
      'dpo-1>sft-2',
      'sft-2>dpo-2',
      'dpo-2>sft-3',
      'sft-3>dpo-3',
    ]);
    expect(stages(text)[4]?.values.data).toBe('/d/3');
    expect(model(text, 'sft-3')).toBe('dpo-2');
  });

  it('fork where several wait for one, and may wait for nothing', () => {
    const text =
      'stages: [{ phase: sft, name: a }, { phase: dpo, name: b, after: a }, { phase: dpo, name: c, after: a }, { phase: sft, name: d, after: [] }]';
    expect(chain(text)).toEqual(['>a', 'a>b', 'a>c', '>d']);
    expect(model(text, 'd')).toBeUndefined();
  });

  it('look through a job that makes data for the model before it', () => {
    const text = 'stages: [{ phase: cpt }, { phase: data-prepare }, { phase: sft }]';
    expect(model(text, 'sft')).toBe('cpt');
  });

  it('take a model of their own over that of the stage before', () => {
    const text = 'stages: [{ phase: sft }, { phase: dpo, parameters: { model: /m } }]';
    expect(model(text, 'dpo')).toBeUndefined();
  });
});

describe('a pipeline that cannot be', () => {
  it.each([
    [
      'a parameter among the keys of a stage',
      'stages: [{ phase: sft, data: /d }]',
      'p.yaml:1:24: stages.0.data: there is no such key. It is a parameter: write it under "parameters".',
    ],
    [
      "a key of Slurm's own dependencies",
      'stages:\n  - phase: sft\n    afternotok: x',
      'p.yaml:3:5: stages.0.afternotok: there is no such key. Write "after: STAGE" and "when: notok".',
    ],
    [
      'an unknown key',
      'stages:\n  - phase: sft\n    trainr: x',
      'p.yaml:3:5: stages.0.trainr: there is no such key. Did you mean "trainer"?',
    ],
    [
      'an unknown key in a round',
      'stages:\n  - repeat: 2\n    stages:\n      - phase: sft\n        recipee: x',
      'p.yaml:5:9: stages.0.stages.0.recipee: there is no such key. Did you mean "recipe"?',
    ],
    [
      'a stage that is not there',
      'stages:\n  - phase: sft\n    name: warm\n  - phase: dpo\n    after: wrm',
      'p.yaml:5:12: stages.1.after: there is no stage "wrm" before this one. Did you mean "warm"?',
    ],
    [
      'a later stage',
      'stages:\n  - { phase: sft, after: dpo }\n  - phase: dpo',
      'there is no stage "dpo" before this one',
    ],
    ['no phase', 'stages:\n  - name: x', 'p.yaml:2:5: stages.0: a stage needs a phase'],
    ['a name used twice', 'stages:\n  - phase: sft\n  - phase: sft', 'there is a stage "sft" already'],
    [
      'a condition that is none',
      'stages:\n  - phase: sft\n    when: okay',
      'expected one of ok, notok, any, found "okay"',
    ],
    [
      'a source that is not waited for',
      'stages:\n  - { phase: sft, name: a }\n  - { phase: sft, name: b, after: [], parameters: { model: { from: a } } }',
      'which this one does not wait for',
    ],
    [
      'a model from two stages',
      'stages:\n  - { phase: sft, name: a }\n  - { phase: sft, name: b, after: [] }\n  - { phase: dpo, after: [a, b] }',
      'it waits for a and b: say which model it starts from',
    ],
    [
      'a reward model to start from',
      'stages:\n  - { phase: sft }\n  - { phase: rlhf, stage: reward }\n  - { phase: rlhf, stage: ppo }',
      '"reward" leaves a reward model',
    ],
    ['a repetition of nothing', 'stages:\n  - repeat: 2', '"repeat" and "stages" go together'],
    [
      'a name of its own for a run',
      'stages:\n  - { phase: sft, parameters: { name: x } }',
      'names the runs of its stages itself',
    ],
  ])('because of %s says where and what', (_, text, words) => {
    expect(() => parsePipeline('p.yaml', text)).toThrow(words);
  });

  it('is told of a problem of a repeated stage once', () => {
    const text = 'stages: [{ repeat: 3, stages: [{ phase: sft, after: nope }] }]';
    expect(() => parsePipeline('p.yaml', text)).toThrow(/^[^\n]*nope[^\n]*$/);
  });
});

describe('the examples', () => {
  const read = (name: string) =>
    parsePipeline(
      name,
      readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'pipelines', name), 'utf8'),
    );

  it('are phased SFT, whose stages start each from the one before', () => {
    const { name, stages: all } = read('phased-sft.yaml');
    expect(name).toBe('phased-sft');
    expect(all.map((stage) => stage.sources.map(({ from }) => from))).toEqual([[], ['easy'], ['medium']]);
  });

  it('are all phases, of which PPO starts from two', () => {
    const { stages: all } = read('all-phases.yaml');
    expect(all.map((stage) => [stage.name, ...stage.sources.map(({ from }) => from)])).toEqual([
      ['pretrain'],
      ['cpt', 'pretrain'],
      ['sft', 'cpt'],
      ['dpo', 'sft'],
      ['reward', 'sft'],
      ['ppo', 'dpo', 'reward'],
    ]);
  });

  it('are SFT and DPO in turn, three times', () => {
    const { stages: all } = read('sft-dpo-in-turn.yaml');
    expect(all.map((stage) => stage.name)).toEqual(['sft-1', 'dpo-1', 'sft-2', 'dpo-2', 'sft-3', 'dpo-3']);
    expect(all[4]?.values.data).toBe('/data/sft/round3');
  });
});
