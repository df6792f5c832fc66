import { describe, expect, it } from 'vitest';
import { lifecycleContext, lifecycleOf } from '../../src/run/lifecycle.ts';
import { parseFrontMatter } from '../../src/template/front-matter.ts';
import type { Lifecycle } from '../../src/template/lifecycle-schema.ts';

const sft: Lifecycle = {
  version: 'transformers 5.18',
  signal: { name: 'TERM', to: 'steps', lead: 300 },
  shutdown: { seconds: 270, by: 'TORCH_ELASTIC_SHUTDOWN_TIMEOUT' },
  resume: { by: 'itself', why: 'it goes on.' },
  checkpoint: { name: 'checkpoint-' },
};
const dpo: Lifecycle = {
  phases: ['dpo'],
  version: 'TRL 0.9.6',
  signal: { name: 'USR1', to: 'batch', lead: 60 },
  resume: { by: 'never', why: 'it begins at step 0.' },
};

describe('the table of signals', () => {
  it('has a row for a phase or a stage by name, and one for the rest', () => {
    expect(lifecycleOf([sft, dpo], 'dpo')).toBe(dpo);
    expect(lifecycleOf([sft, dpo], 'rlhf', 'dpo')).toBe(dpo);
    expect(lifecycleOf([sft, dpo], 'sft')).toBe(sft);
    expect(lifecycleOf([dpo], 'sft')).toBeUndefined();
  });

  it('refuses a requeue of a trainer that cannot resume, with the reason', () => {
    expect(() => lifecycleContext(dpo, { requeue: true })).toThrow('it begins at step 0.');
    expect(lifecycleContext(dpo, {})).toMatchObject({ requeue: false });
    expect(() => lifecycleContext(undefined, { requeue: true })).toThrow('does not say that it can resume');
  });

  it('requeues what resumes, unless it is asked not to', () => {
    expect(lifecycleContext(sft, {})).toMatchObject({ requeue: true });
    expect(lifecycleContext(sft, { requeue: false })).toMatchObject({ requeue: false });
  });

  it('sends the signal to the batch shell alone where the trainer knows none', () => {
    expect(lifecycleContext(dpo, {})).toMatchObject({ signal: { directive: 'B:USR1@60' } });
    expect(lifecycleContext(sft, {})).toMatchObject({ signal: { directive: 'TERM@300' } });
  });

  it('lets the launcher wait longer when the signal comes earlier', () => {
    expect(lifecycleContext(sft, { signal_lead: 600 })).toMatchObject({ shutdown: { seconds: 570 } });
  });

  it.each([
    [
      'waits longer than there is time',
      'shutdown: { seconds: 60, by: fixed }\n    resume: { by: never, why: x. }',
      'only 60 s',
    ],
    [
      'has a flag and resumes by itself',
      'resume: { by: itself, flag: --x, why: x. }\n    checkpoint: { name: a- }',
      'resume.flag',
    ],
    ['resumes from nobody knows what', 'resume: { by: itself, why: x. }', 'needs "checkpoint"'],
  ])('is refused where a row %s', (_, rest, words) => {
    const text = `title: T\nlifecycle:\n  - version: v\n    signal: { name: TERM, to: steps, lead: 60 }\n    ${rest}\n`;
    expect(() => parseFrontMatter('t.hbs', text)).toThrow(words);
  });
});
