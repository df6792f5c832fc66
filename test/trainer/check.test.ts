import { describe, expect, it } from 'vitest';
import { checkCommand } from '../../src/trainer/check.ts';
import { knowledge } from './known.ts';

/** Words split at spaces, problems as `program kind flag -> suggestion`. */
function problemsOf(line: string, choice?: Parameters<typeof checkCommand>[2]): string[] {
  return checkCommand(line.split(' '), knowledge, choice).problems.map(
    ({ program, kind, flag, suggestion }) => `${program} ${kind} ${flag} -> ${suggestion}`,
  );
}

const TRL = 'accelerate launch --num_processes 8 --module trl.scripts.sft';
const XLLM = 'torchrun --nproc_per_node 8 /code/xllm/pretrain.py --output_dir /runs';
const CHAT = 'deepspeed --num_gpus 8 training/step1_supervised_finetuning/main.py --model_name_or_path m';
const RAY = 'ray job submit --address http://127.0.0.1:8265 -- python3 -m openrlhf.cli.train_ppo_ray';
const VERL = 'python3 -m verl.trainer.main_ppo';
const FACTORY = 'llamafactory-cli train';
const MEGATRON = 'torchrun --nnodes 2 pretrain_gpt.py';

describe('a command line that its trainer takes', () => {
  it.each([
    ['plain flags', `${TRL} --learning_rate 1e-5 --max_steps 10`],
    [
      'dashes for underscores where the parser takes both',
      `${TRL} --learning-rate 1e-5 --num-train-epochs 3`,
    ],
    ['--flag=value', `${TRL} --learning_rate=1e-5`],
    ['a boolean without and with its word', `${TRL} --packing --gradient_checkpointing False`],
    ['--no_ of what is true by default', `${TRL} --no_gradient_checkpointing --no-dataloader-pin-memory`],
    ['a file of settings beside flags', `${TRL} --config sft.yaml`],
    ['a unique beginning of a flag, as argparse does', `${XLLM} --per_device_train 4`],
    ['several values', `${CHAT} --data_path a b c --data_split 2,4,4`],
    ['a negative number', `${XLLM} --max_steps -1`],
    ['what only the node knows', `${XLLM} --logging_steps $STEPS --seed $((1+1))`],
    ['an array of the shell', `${XLLM} \${arguments[@]}`],
    ['OpenRLHF through Ray, with dotted names', `${RAY} --train.batch_size 128 --actor.adam.betas 0.9 0.95`],
    ['keys of Hydra', `${VERL} data.train_files=/d.parquet trainer.n_gpus_per_node=8`],
    ['a whole node of the configuration', `${VERL} actor_rollout_ref.actor.optim={lr:1e-6}`],
    [
      'keys that are added, forced and taken away',
      `${VERL} +ray_kwargs.x=1 ++data.train_files=x ~reward_model`,
    ],
    ["Hydra's own settings", `${VERL} hydra.run.dir=/tmp/x --config-name ppo_trainer`],
    ['settings behind a file', `${FACTORY} sft.yaml learning_rate=1e-5 num_train_epochs=3`],
    ['flags without a file', `${FACTORY} --stage sft --do_train --learning_rate 1e-5`],
    ['the short names of torchrun', 'torchrun -t 3 -r3 --standalone -m trl.scripts.sft --max_steps 1'],
    ["Megatron's flags", `${MEGATRON} --num-layers 12 --bf16 --lr 1e-4`],
  ])('passes: %s', (_what, line) => {
    expect(problemsOf(line)).toEqual([]);
  });

  it.each([
    'pip install deepspeed --upgrade --no-such-flag',
    'echo torchrun --no-such-flag',
    'python3 my_own_train.py --anything 1',
    'torchrun $SCRIPT --anything 1',
    'bash run.sh --x',
    '',
  ])('says nothing of what it does not know: %s', (line) => {
    expect(checkCommand(line.split(' '), knowledge).problems).toEqual([]);
  });
});

describe('a command line that its trainer refuses', () => {
  it.each([
    [
      'a slip of the fingers',
      `${TRL} --lerning_rate 1e-5`,
      'trl-sft unknown --lerning_rate -> --learning_rate',
    ],
    [
      'a flag of an older transformers',
      `${TRL} --evaluation_strategy no`,
      'trl-sft renamed --evaluation_strategy -> --eval_strategy',
    ],
    [
      'the same with dashes',
      `${TRL} --evaluation-strategy no`,
      'trl-sft renamed --evaluation-strategy -> --eval_strategy',
    ],
    [
      'a flag of a newer transformers',
      `${XLLM} --eval_strategy no`,
      'xllm-pretrain renamed --eval_strategy -> --evaluation_strategy',
    ],
    [
      'one that went without a successor',
      `${TRL} --overwrite_output_dir`,
      'trl-sft removed --overwrite_output_dir -> null',
    ],
    [
      'one that is not there yet',
      `${XLLM} --neftune_noise_alpha 5`,
      'xllm-pretrain unknown --neftune_noise_alpha -> null',
    ],
    [
      'dashes where the parser has none',
      `${XLLM} --learning-rate 1`,
      'xllm-pretrain unknown --learning-rate -> --learning_rate',
    ],
    ['a word for a whole number', `${XLLM} --save_steps x`, 'xllm-pretrain value --save_steps -> null'],
    [
      'a number in the wrong form',
      `${XLLM} --save_total_limit 1e2`,
      'xllm-pretrain value --save_total_limit -> 100',
    ],
    ['a choice that is none', `${FACTORY} --stage sftt`, 'llama-factory-train value --stage -> sft'],
    ['a boolean that is neither', `${XLLM} --bf16 maybe`, 'xllm-pretrain value --bf16 -> null'],
    ['a boolean that wants its word', `${TRL} --bf16`, 'trl-sft value --bf16 -> null'],
    ['too few values', `${RAY} --actor.adam.betas 0.9`, 'openrlhf-ppo-ray value --actor.adam.betas -> null'],
    [
      'a value for a flag that takes none',
      `${CHAT} --deepspeed ds.json`,
      'deepspeed-chat-sft misplaced ds.json -> null',
    ],
    [
      'a flag that must be there',
      'deepspeed step1_supervised_finetuning/main.py',
      'deepspeed-chat-sft missing --model_name_or_path -> null',
    ],
    [
      'a flat name of the older OpenRLHF',
      `${RAY} --train_batch_size 8`,
      'openrlhf-ppo-ray renamed --train_batch_size -> --train.batch_size',
    ],
    [
      'a flag of an older TRL',
      `${TRL} --max_seq_length 2048`,
      'trl-sft renamed --max_seq_length -> --max_length',
    ],
    [
      'one that became another in each program',
      `${RAY} --pretrain m`,
      'openrlhf-ppo-ray renamed --pretrain -> --actor.model_name_or_path',
    ],
    [
      'a key that Hydra has not',
      `${VERL} actor_rollout_ref.actor.ppo_minibatch_size=4`,
      'verl-ppo unknown actor_rollout_ref.actor.ppo_minibatch_size -> actor_rollout_ref.actor.ppo_mini_batch_size',
    ],
    [
      'a setting without a value',
      `${VERL} trainer.n_gpus_per_node`,
      'verl-ppo misplaced trainer.n_gpus_per_node -> null',
    ],
    [
      'a setting that is none',
      `${FACTORY} a.yaml lerning_rate=1`,
      'llama-factory-train unknown lerning_rate -> learning_rate',
    ],
    [
      'a flag behind a file of settings',
      `${FACTORY} a.yaml --stage=sft`,
      'llama-factory-train misplaced --stage -> stage=sft',
    ],
    [
      "a flag of Megatron's cut short",
      `${MEGATRON} --tensor-model-parallel 4`,
      'megatron-pretrain-gpt unknown --tensor-model-parallel -> --tensor-model-parallel-size',
    ],
    [
      'a slip in the launcher',
      `torchrun --nprocs-per-node 8 /code/xllm/pretrain.py --output_dir x`,
      'torchrun unknown --nprocs-per-node -> --nproc-per-node',
    ],
    [
      'a launcher option that takes no value',
      'accelerate launch --multi_gpu=true --module trl.scripts.sft',
      'accelerate-launch value --multi_gpu -> null',
    ],
  ])('says so: %s', (_what, line, problem) => {
    expect(problemsOf(line)).toEqual([problem]);
  });

  it("says that a launcher's flag behind the script belongs before it", () => {
    const { problems } = checkCommand(`${XLLM} --nnodes 2`.split(' '), knowledge);
    expect(problems[0]?.message).toBe('is a flag of torchrun, and belongs before the script');
  });

  it('names the place of the word', () => {
    const argv = `${XLLM} --seed x`.split(' ');
    const { problems } = checkCommand(argv, knowledge);
    expect(problems.map(({ at }) => at)).toEqual([argv.indexOf('--seed')]);
  });

  it('finds everything at once', () => {
    expect(problemsOf(`${XLLM} --sed 1 --bf16 maybe --lerning_rate 1`)).toHaveLength(3);
  });
});

describe('what the caller knows better', () => {
  it('a program that its script does not give away', () => {
    expect(problemsOf('torchrun --nnodes 1 sft.py --evaluation_strategy no', { program: 'trl-sft' })).toEqual(
      ['trl-sft renamed --evaluation_strategy -> --eval_strategy'],
    );
  });

  it('a script of a name that forks share is not certain', () => {
    const { programs } = checkCommand(MEGATRON.split(' '), knowledge);
    expect(programs.map(({ program, certain }) => [program, certain])).toEqual([
      ['torchrun', true],
      ['megatron-pretrain-gpt', false],
    ]);
  });

  it('without a version, a flag is right that any known version has', () => {
    const [newest] = knowledge.lists('xllm-pretrain');
    if (newest === undefined) throw new Error('no list');
    const later = { ...newest, version: 'later', flags: { ...newest.flags, '--brand_new': 'int' as const } };
    const both = {
      ...knowledge,
      lists: (name: string) => (name === 'xllm-pretrain' ? [later, newest] : knowledge.lists(name)),
    };
    const argv = `${XLLM} --brand_new 1`.split(' ');
    expect(checkCommand(argv, both).problems).toEqual([]);
    expect(checkCommand(argv, both, { version: newest.version }).problems).toHaveLength(1);
  });

  it('the text of a file of settings', () => {
    const text =
      'stage: sft\n# a remark\nlerning_rate: 1\nmax_steps: ten\nreport_to: none\nlora_target:\n- q\n';
    const { problems } = checkCommand(`${FACTORY} $RUN_DIR/a.yaml seed=1`.split(' '), knowledge, {
      fileText: (path) => (path === '$RUN_DIR/a.yaml' ? text : undefined),
    });
    expect(problems.map(({ kind, flag, suggestion }) => [kind, flag, suggestion])).toEqual([
      ['unknown', 'lerning_rate', 'learning_rate'],
      ['value', 'max_steps', null],
    ]);
  });
});
