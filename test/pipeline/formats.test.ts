import { describe, expect, it } from 'vitest';
import { type Converter, formatProblem, type Handover } from '../../src/pipeline/formats.ts';
import { listPrograms, loadTemplate } from '../../src/template/load.ts';

const ENV = { HOME: '/nowhere' };
const CONVERTERS: readonly Converter[] = [{ trainer: 'verl-merger', from: 'verl-fsdp', to: 'hf' }];

/** `PHASE[/STAGE] TRAINER`. */
async function program(name: string) {
  const [what = '', trainer] = name.split(' ');
  const [phase = '', stage] = what.split('/');
  return loadTemplate(ENV, phase, trainer, stage);
}
async function problem(from: string, to: string, more: Partial<Handover> = {}): Promise<string | undefined> {
  const handover = { parameter: 'model', from: 'before', take: 'newest', endedWell: true, ...more } as const;
  return formatProblem({ ...handover, writer: await program(from), reader: await program(to) }, CONVERTERS);
}

describe('a stage whose trainer can read what the one before leaves', () => {
  it.each([
    ['sft trl', 'dpo trl'],
    ['sft xllm', 'dpo xllm'],
    ['dpo xllm', 'sft xllm'],
    ['cpt xllm', 'sft llama-factory'],
    ['sft llama-factory', 'rlhf/grpo verl'],
    ['sft openrlhf', 'rlhf/ppo openrlhf'],
    ['sft deepspeed-chat', 'rlhf/reward deepspeed-chat'],
    ['rlhf/ppo deepspeed-chat', 'dpo trl'],
    ['pretrain megatron', 'cpt megatron'],
    ['cpt megatron', 'convert own'],
    ['rlhf/grpo verl', 'convert verl-merger'],
    ['convert verl-merger', 'dpo trl'],
    ['pretrain example', 'sft example'],
  ])('%s -> %s', async (from, to) => {
    expect(await problem(from, to)).toBeUndefined();
  });

  it.each([
    ['rlhf/reward trl', 'rlhf/grpo trl'],
    ['rlhf/reward trl', 'rlhf/ppo verl'],
    ['rlhf/reward openrlhf', 'rlhf/ppo openrlhf'],
    ['rlhf/reward deepspeed-chat', 'rlhf/ppo deepspeed-chat'],
    ['rlhf/reward llama-factory', 'rlhf/ppo llama-factory'],
    ['rlhf/reward example', 'rlhf/ppo example'],
  ])('%s -> %s, as its reward model', async (from, to) => {
    expect(await problem(from, to, { parameter: 'reward_model' })).toBeUndefined();
  });
});

describe('a stage whose trainer cannot', () => {
  it.each([
    [
      'cpt megatron',
      'sft trl',
      "leaves Megatron-LM's shards, and trl reads a Hugging Face model. Convert it",
    ],
    ['sft trl', 'cpt megatron', "and megatron reads Megatron-LM's shards. Convert it"],
    ['rlhf/grpo verl', 'dpo trl', '{ name: convert-before, phase: convert, trainer: verl-merger }'],
    ['sft example', 'dpo trl', "the example trainer's own files"],
    ['convert verl-merger', 'cpt megatron', 'program: /path/of/a/converter'],
    [
      'rlhf/reward trl',
      'dpo trl',
      'leaves a Hugging Face reward model, and trl reads a Hugging Face model: name',
    ],
  ])('%s -> %s is told why, and what to do', async (from, to, said) => {
    expect(await problem(from, to)).toContain(said);
  });

  it('is told so of a reward model that only its own trainer reads, and of a model that is none', async () => {
    const more = { parameter: 'reward_model' };
    expect(await problem('rlhf/reward deepspeed-chat', 'rlhf/ppo verl', more)).toContain(
      "DeepSpeed-Chat's reward",
    );
    expect(await problem('sft trl', 'rlhf/grpo trl', more)).toContain('name the stage that leaves one');
  });

  it('is told to wait for the end where only the model at the end is one that others read', async () => {
    const early = await problem('sft openrlhf', 'dpo trl', { endedWell: false });
    expect(early).toContain("leaves DeepSpeed's ZeRO shards");
    expect(early).toContain('let the stage wait for it with "when: ok"');
    expect(await problem('sft openrlhf', 'dpo trl', { take: 'best' })).toContain('ZeRO shards');
  });
});

it('says of every program that trains what it leaves, and of every model that is read in which format', async () => {
  for (const { trainer, phase, stage } of await listPrograms(ENV)) {
    if (phase.startsWith('data-') || trainer === 'own') continue;
    const { front, parameters } = await loadTemplate(ENV, phase, trainer, stage ?? undefined);
    expect(front.leaves, `${phase} ${trainer}`).toBeDefined();
    for (const name of ['model', 'reward_model', 'reference_model']) {
      const parameter = parameters.find((each) => each.name === name);
      if (parameter) expect(parameter.format, `${name} of ${phase} ${trainer}`).toBeDefined();
    }
  }
});
