import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { CheckpointRule, Upstream } from '../../src/run/upstream.ts';
import { planOf } from '../support/plan.ts';

let root: string;
let checkpoints: string;
let link: string;

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), `opsctl it's "odd" $(x)-`));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  checkpoints = join(root, 'sft', 'checkpoints');
  link = join(root, 'dpo', 'start', 'model', 'tiny');
  mkdirSync(checkpoints, { recursive: true });
});

function put(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(checkpoints, path)), { recursive: true });
    writeFileSync(join(checkpoints, path), '1');
  }
}

const HF: CheckpointRule = {
  name: 'checkpoint-',
  complete: ['trainer_state.json'],
  unfinished: ['checkpoint-is-incomplete.txt'],
};

async function scriptOf(rule: CheckpointRule, more: Partial<Upstream> = {}): Promise<string> {
  const upstream: Upstream = {
    parameter: 'model',
    stage: 'sft',
    runId: 'p-sft',
    checkpoints,
    rule,
    take: 'newest',
    endedWell: true,
    link,
    ...more,
  };
  const values = { model: link, data: '/d', output: '/o' };
  return (await planOf('example', values, { upstream: [upstream] })).script;
}

/** Runs what the script does about earlier stages, and nothing else of it. */
async function take(rule: CheckpointRule, more: Partial<Upstream> = {}) {
  const script = await scriptOf(rule, more);
  const part = /# --- What earlier stages[\s\S]*?\necho model": [^\n]*\n/.exec(script)?.[0] ?? 'exit 99';
  const run = spawnSync('bash', ['-c', `set -euo pipefail\nattempt=0\nSLURM_JOB_ID=7\n${part}`], {
    encoding: 'utf8',
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
const taken = async (rule: CheckpointRule, more: Partial<Upstream> = {}) => {
  const run = await take(rule, more);
  expect(run.err).toBe('');
  return readlinkSync(link).slice(checkpoints.length + 1);
};

describe('a stage that starts', () => {
  it('takes the newest complete checkpoint by number, and says which it passes over', async () => {
    put('checkpoint-9/trainer_state.json', 'checkpoint-100/trainer_state.json', 'checkpoint-200/model.pt');
    put('checkpoint-300/trainer_state.json', 'checkpoint-300/checkpoint-is-incomplete.txt');
    put('checkpoint-400.tmp/trainer_state.json');
    expect(await taken(HF)).toBe('checkpoint-100');
    expect((await take(HF)).out).toContain(`model: ${checkpoints}/checkpoint-100`);
  });

  it('takes a final one of the same step, or the best one when that is asked for', async () => {
    put('checkpoint-100/trainer_state.json', 'final_100/model.pt', 'bestppl_40/model.pt');
    expect(await taken(HF)).toBe('final_100');
    rmSync(link);
    expect(await taken(HF, { take: 'best' })).toBe('bestppl_40');
  });

  it('takes no link for a checkpoint, and no part of DeepSpeed’s', async () => {
    put('checkpoint-1/trainer_state.json', 'checkpoint-2/trainer_state.json', 'checkpoint-2/global_step2/x');
    symlinkSync(join(checkpoints, 'checkpoint-1'), join(checkpoints, 'checkpoint-3'));
    expect(await taken(HF)).toBe('checkpoint-1');
  });

  it('takes the model that a trainer has saved into its output directory at its end', async () => {
    put('checkpoint-100/trainer_state.json', 'config.json', 'model-00001-of-00002.safetensors');
    utimesSync(join(checkpoints, 'checkpoint-100'), 1000, 1000);
    expect(await taken(HF)).toBe('');
    rmSync(link);
    // Of a stage that may have failed it could be half a model.
    expect(await taken(HF, { endedWell: false })).toBe('checkpoint-100');
  });

  it('believes the file in which Megatron notes the newest complete one, and takes the directory around', async () => {
    const rule = { name: 'iter_', tracker: 'latest_checkpointed_iteration.txt' };
    put('iter_0000100/mp_rank_00/model.pt', 'iter_0000200/mp_rank_00/model.pt');
    writeFileSync(join(checkpoints, rule.tracker), '100');
    const run = await take(rule);
    expect(run.out).toContain('iter_0000200 is incomplete');
    expect(readlinkSync(link)).toBe(checkpoints);
  });

  it('looks below the directory that the trainer puts them into', async () => {
    put('_actor/global_step5/model.pt');
    expect(await taken({ name: 'global_step', directory: '_actor' })).toBe('_actor/global_step5');
  });

  it('takes nothing but the model at the end of a trainer whose checkpoints are of no use to others', async () => {
    const end = { at: 'final', onlyAtEnd: true };
    put('global_step9/model.pt', 'final/config.json');
    const half = await take({ name: 'global_step', tracker: 'latest' }, end);
    expect(half).toMatchObject({ code: 66, err: expect.stringContaining('has left no complete model in') });
    expect(half.err).toContain('/final: there');
    put('final/model.safetensors');
    expect(await taken({ name: 'global_step', tracker: 'latest' }, end)).toBe('final');
  });

  it('does not start from shards where whole weights are wanted, and says what makes them whole', async () => {
    put(
      'checkpoint-5/trainer_state.json',
      'checkpoint-5/training_args.bin',
      'checkpoint-5/global_step5/zero.pt',
    );
    put('checkpoint-5/latest');
    const { code, err } = await take(HF, { format: 'hf' });
    expect(code).toBe(66);
    expect(err).toMatch(
      /checkpoint-5 holds no whole weights[\s\S]*zero_to_fp32\.py[\s\S]*accelerate merge-weights/,
    );
    put('checkpoint-5/pytorch_model-00001-of-00002.bin');
    expect(await taken(HF, { format: 'hf' })).toBe('checkpoint-5');
  });

  it('puts the tokenizer beside a model that was saved without one, and nothing over one that is there', async () => {
    const tokenizer = join(root, 'base "model"');
    mkdirSync(tokenizer);
    put('checkpoint-5/trainer_state.json', 'checkpoint-5/model.safetensors');
    const none = await take(HF, { format: 'hf', tokenizer });
    expect(none).toMatchObject({ code: 66, err: expect.stringContaining('and none in') });
    for (const name of [
      'tokenizer.json',
      'tokenizer_config.json',
      'merges.txt',
      'model.safetensors',
      'config.json',
    ])
      writeFileSync(join(tokenizer, name), name);
    expect(await taken(HF, { format: 'hf', tokenizer })).toBe('checkpoint-5');
    expect(readdirSync(link).sort()).toEqual(
      [
        'merges.txt',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
        'trainer_state.json',
      ].sort(),
    );
    rmSync(link);
    writeFileSync(join(checkpoints, 'checkpoint-5', 'tokenizer.json'), 'own');
    await taken(HF, { format: 'hf', tokenizer });
    expect(readFileSync(join(checkpoints, 'checkpoint-5', 'tokenizer.json'), 'utf8')).toBe('own');
    expect(readFileSync(join(checkpoints, 'checkpoint-5', 'model.safetensors'), 'utf8')).toBe('1');
  });

  it('goes on from the same one in every attempt', async () => {
    put('checkpoint-1/trainer_state.json');
    expect(await taken(HF)).toBe('checkpoint-1');
    put('checkpoint-2/trainer_state.json');
    expect(await taken(HF)).toBe('checkpoint-1');
  });

  it('fails and says why when there is none, or when it was taken away', async () => {
    put('checkpoint-1/model.pt');
    expect(await take(HF)).toMatchObject({
      code: 66,
      err: expect.stringContaining('has left no complete checkpoint'),
    });
    put('checkpoint-1/trainer_state.json');
    await taken(HF);
    rmSync(join(checkpoints, 'checkpoint-1'), { recursive: true });
    expect(await take(HF)).toMatchObject({ code: 66, err: expect.stringContaining('is gone') });
  });

  it.each<[string, CheckpointRule, Partial<Upstream>]>([
    ['transformers', HF, {}],
    ['Megatron', { name: 'iter_', tracker: 'latest_checkpointed_iteration.txt' }, {}],
    ['a model without tokenizer', HF, { format: 'hf', tokenizer: '/m/q' }],
    ['the model at the end', { name: 'global_step', tracker: 'latest' }, { at: 'final', onlyAtEnd: true }],
  ])('has a script that shellcheck finds nothing in: %s', async (_, rule, more) => {
    const check = spawnSync('shellcheck', ['-s', 'bash', '-e', 'SC2016', '-'], {
      input: await scriptOf(rule, more),
      encoding: 'utf8',
    });
    expect(check.stdout).toBe('');
  });
});
