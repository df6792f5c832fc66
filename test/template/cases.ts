/** One way to ask for each program of each trainer: what the tests of all templates render. */
export interface Case {
  readonly phase: string;
  readonly stage?: string;
  readonly trainer: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const paths = { data: '/data/train', output: '/data/runs', nodes: 2 };
const code = { ...paths, model: '/models/base-7b', code: '/code/trainer' };
const base = { ...paths, model: '/models/base-7b' };
const judged = { ...base, reward_model: '/models/reward-7b' };
const templated = { ...base, chat_template: 'qwen', eval_steps: 100 };

export const CASES: readonly Case[] = [
  { phase: 'data-clean', trainer: 'example', values: { data: '/data/raw', output: '/data/runs' } },
  { phase: 'data-prepare', trainer: 'example', values: { data: '/data/clean', output: '/data/runs' } },
  {
    phase: 'convert',
    trainer: 'own',
    values: { model: '/ckpt/megatron', output: '/data/runs', program: '/code/to hf.sh' },
  },
  {
    phase: 'convert',
    trainer: 'verl-merger',
    values: { model: '/ckpt/global_step_9', output: '/data/runs' },
  },
  { phase: 'pretrain', trainer: 'example', values: paths },
  { phase: 'cpt', trainer: 'example', values: { ...paths, model: '/models/tiny' } },
  { phase: 'dpo', trainer: 'example', values: { ...paths, model: '/models/tiny' } },
  { phase: 'rlhf', stage: 'reward', trainer: 'example', values: { ...paths, model: '/models/tiny' } },
  {
    phase: 'rlhf',
    stage: 'ppo',
    trainer: 'example',
    values: { ...paths, model: '/models/tiny', reward_model: '/models/reward' },
  },
  { phase: 'rlhf', stage: 'grpo', trainer: 'example', values: { ...paths, model: '/models/tiny' } },
  { phase: 'pretrain', trainer: 'xllm', values: code },
  { phase: 'cpt', trainer: 'xllm', values: { ...code, strategy: 'shard_grad_op' } },
  {
    phase: 'dpo',
    trainer: 'xllm',
    values: { ...code, architecture: 'Qwen' },
  },
  { phase: 'dpo', trainer: 'trl', values: { ...base, eval_split: 'test' } },
  { phase: 'rlhf', stage: 'reward', trainer: 'trl', values: base },
  {
    phase: 'rlhf',
    stage: 'grpo',
    trainer: 'trl',
    values: {
      ...base,
      nodes: 3,
      reward_model: '/models/reward-7b',
      reward_functions: 'accuracy_reward think_format_reward',
      vllm_tensor_parallel_size: 2,
      vllm_data_parallel_size: 4,
    },
  },
  {
    phase: 'sft',
    trainer: 'deepspeed-chat',
    values: { ...code, loss_on: 'all', offload: true, sft_only_data: '/data/more' },
  },
  { phase: 'rlhf', stage: 'reward', trainer: 'deepspeed-chat', values: code },
  {
    phase: 'rlhf',
    stage: 'ppo',
    trainer: 'deepspeed-chat',
    values: {
      ...code,
      reward_model: '/models/reward-7b',
      pretrain_data: 'wikitext',
      pretrain_data_config: 'wikitext-103-v1',
    },
  },
  { phase: 'sft', trainer: 'openrlhf', values: { ...base, packing: true, eval_data: '/data/eval' } },
  {
    phase: 'dpo',
    trainer: 'openrlhf',
    values: { ...base, prompt_key: 'prompt', reference_model: '/models/ref' },
  },
  { phase: 'rlhf', stage: 'reward', trainer: 'openrlhf', values: base },
  { phase: 'rlhf', stage: 'ppo', trainer: 'openrlhf', values: judged },
  { phase: 'pretrain', trainer: 'llama-factory', values: base },
  { phase: 'cpt', trainer: 'llama-factory', values: { ...base, max_steps: 100 } },
  { phase: 'sft', trainer: 'llama-factory', values: templated },
  { phase: 'dpo', trainer: 'llama-factory', values: { ...templated, data_format: 'sharegpt' } },
  { phase: 'rlhf', stage: 'reward', trainer: 'llama-factory', values: templated },
  {
    phase: 'rlhf',
    stage: 'ppo',
    trainer: 'llama-factory',
    values: { ...templated, reward_model: '/models/reward-7b' },
  },
  {
    phase: 'pretrain',
    trainer: 'megatron',
    values: {
      ...code,
      max_steps: 1000,
      num_layers: 32,
      hidden_size: 4096,
      ffn_hidden_size: 11008,
      num_attention_heads: 32,
      num_query_groups: 8,
      save_retain_interval: 5000,
    },
  },
  {
    phase: 'cpt',
    trainer: 'megatron',
    values: {
      ...code,
      max_steps: 1000,
      tokenizer: '/models/base-7b-hf',
      tensor_parallel_size: 4,
      pipeline_parallel_size: 2,
      recompute: 'full',
    },
  },
  {
    phase: 'rlhf',
    stage: 'ppo',
    trainer: 'verl',
    values: { ...judged, max_steps: 100, report_to: 'wandb', eval_data: '/data/eval' },
  },
  { phase: 'rlhf', stage: 'grpo', trainer: 'verl', values: { ...base, reward_function: '/code/reward.py' } },
];

export function caseName({ phase, stage, trainer }: Case): string {
  return [phase, stage, trainer].filter((part) => part !== undefined).join('-');
}
