import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../src/run/fingerprint.ts';
import { modelName } from '../../src/run/name.ts';
import { valuesOf } from '../../src/run/plan.ts';
import { planOf } from '../support/plan.ts';

const base = { model: '/models/chinese_llama_plus-13b', data: '/d', output: '/runs', nodes: 4 };

describe('planRun', () => {
  it('names a run after model, size, machines and time', async () => {
    const plan = await planOf('trl', base);
    expect(plan.runId).toBe('chinese_llama_plus-13b-4n32g-20260524-035612');
    expect(plan.outputDir).toBe('/runs/chinese_llama_plus-13b-4n32g-20260524-035612');
    expect(plan.parameters.name?.source).toBe('derived');
  });

  it('counts the GPU-hours that Slurm sets aside', async () => {
    expect((await planOf('trl', { ...base, time: '12:00:00' })).gpuHours).toBe(4 * 8 * 12);
    expect((await planOf('example', { ...base, nodes: 2 })).gpuHours).toBe(0);
  });

  it('refuses what the profile knows to be impossible', async () => {
    await expect(planOf('trl', { ...base, nodes: 99 })).rejects.toThrow(
      'nodes: 99 are asked for; the default partition gives a job at most 36',
    );
  });
});

describe("verl's merger", () => {
  const convert = async (values: Record<string, unknown>) => {
    const { script } = await planOf(
      'verl-merger',
      { model: '/ckpt/global_step_9', output: '/o', ...values },
      { phase: 'convert' },
    );
    return /local arguments=\(([^)]*)\)/
      .exec(script)?.[1]
      ?.split(/\s+/)
      .filter((word) => word.startsWith('--'));
  };

  it('is given the flags that only Megatron’s checkpoints need', async () => {
    const common = ['--backend', '--local_dir', '--target_dir'];
    expect(await convert({ tie_word_embedding: true })).toEqual(common);
    const megatron = { backend: 'megatron', gpus_per_node: 1 };
    expect(await convert(megatron)).toEqual(common);
    expect(await convert({ ...megatron, tie_word_embedding: true })).toEqual([
      ...common,
      '--tie-word-embedding',
    ]);
  });

  it('is refused without a GPU where it needs one', async () => {
    await expect(convert({ backend: 'megatron' })).rejects.toThrow(/^backend: .*set gpus_per_node to 1$/);
  });
});

describe('modelName', () => {
  it.each([
    ['meta-llama/Llama-2-13b-hf', 'Llama-2-13b-hf'],
    ['/a b/模型 7b', '_7b'.slice(1)],
    ['/models/$(x)', 'x_'],
    ['/', 'model'],
  ])('makes of %s the name %s', (model, name) => {
    expect(modelName(model)).toBe(name);
  });
});

describe('fingerprint', () => {
  const print = (more: object, flags: string[] = []) =>
    fingerprint('sft', 'trl', { model: 'a', seed: 1, name: 'x', ...more }, flags);

  it('is the same under another name, time or partition', async () => {
    expect(print({ name: 'y', time: '1:00', partition: 'b' })).toBe(print({}));
  });

  it('differs for another value or another flag', () => {
    expect(new Set([print({}), print({ seed: 2 }), print({}, ['--x'])]).size).toBe(3);
  });

  it('is the same for two plans a second apart', async () => {
    const plan = await planOf('trl', base);
    expect(fingerprint('sft', 'trl', valuesOf(plan.parameters), [])).toBe(
      fingerprint('sft', 'trl', { ...valuesOf(plan.parameters), name: 'other' }, []),
    );
  });
});
