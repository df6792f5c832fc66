/** How a program is started, so that it is known from a command line alone. */
export interface Program {
  readonly name: string;
  /** Behind `python -m`. */
  readonly modules?: readonly string[];
  /** Ends of a script's path, whole directory names. */
  readonly scripts?: readonly string[];
  /** Commands, each with the word that follows it where there is one. */
  readonly commands?: readonly (readonly [string] | readonly [string, string])[];
  /** Its command starts the trainer with this launcher, and hands the launcher's flags on. */
  readonly launcher?: string;
  /** Other programs are started under the same name: their flags say nothing for sure. */
  readonly shared?: boolean;
}

const TRL = ['sft', 'dpo', 'grpo', 'kto', 'reward', 'rloo'].map(
  (name): Program => ({
    name: `trl-${name}`,
    modules: [`trl.scripts.${name}`],
    scripts: [`trl/scripts/${name}.py`],
    commands: [['trl', name]],
    launcher: 'accelerate-launch',
  }),
);

const DEEPSPEED_CHAT = [
  ['sft', 'step1_supervised_finetuning'],
  ['dpo', 'step2_dpo_finetuning'],
  ['reward', 'step2_reward_model_finetuning'],
  ['ppo', 'step3_rlhf_finetuning'],
].map(
  ([step, directory]): Program => ({ name: `deepspeed-chat-${step}`, scripts: [`${directory}/main.py`] }),
);

const OPENRLHF = [
  ['sft', 'train_sft'],
  ['dpo', 'train_dpo'],
  ['rm', 'train_rm'],
  ['ppo-ray', 'train_ppo_ray'],
].map(
  ([name, file]): Program => ({
    name: `openrlhf-${name}`,
    modules: [`openrlhf.cli.${file}`],
    scripts: [`openrlhf/cli/${file}.py`],
  }),
);

/** Programs that start another one, and have flags before its name. */
export const LAUNCHERS: readonly Program[] = [
  {
    name: 'torchrun',
    modules: ['torch.distributed.run', 'torch.distributed.launch'],
    commands: [['torchrun']],
  },
  {
    name: 'accelerate-launch',
    modules: ['accelerate.commands.launch'],
    commands: [['accelerate', 'launch'], ['accelerate-launch']],
  },
  { name: 'deepspeed', modules: ['deepspeed.launcher.runner'], commands: [['deepspeed']] },
];

export const TRAINERS: readonly Program[] = [
  ...TRL,
  {
    name: 'trl-vllm-serve',
    modules: ['trl.scripts.vllm_serve'],
    scripts: ['trl/scripts/vllm_serve.py'],
    commands: [['trl', 'vllm-serve']],
  },
  { name: 'trl-ppo', scripts: ['examples/scripts/ppo/ppo.py'] },
  ...DEEPSPEED_CHAT,
  { name: 'deepspeed-chat-e2e', scripts: ['DeepSpeed-Chat/e2e_rlhf.py'] },
  ...OPENRLHF,
  {
    name: 'llama-factory-train',
    commands: [
      ['llamafactory-cli', 'train'],
      ['lmf', 'train'],
    ],
  },
  // Megatron-DeepSpeed and other forks have a script of that name, with flags of their own.
  { name: 'megatron-pretrain-gpt', scripts: ['pretrain_gpt.py'], shared: true },
  { name: 'verl-ppo', modules: ['verl.trainer.main_ppo'], scripts: ['verl/trainer/main_ppo.py'] },
  {
    name: 'verl-sft',
    modules: ['verl.trainer.fsdp_sft_trainer'],
    scripts: ['verl/trainer/fsdp_sft_trainer.py'],
  },
  { name: 'verl-merger', modules: ['verl.model_merger'] },
  { name: 'xllm-pretrain', scripts: ['xllm/pretrain.py'] },
  { name: 'xllm-dpo', scripts: ['xllm/postrain.py'] },
];

/** A program that runs beside a trainer, and is none. */
export function isServer(program: string | undefined): boolean {
  return program === 'trl-vllm-serve';
}

export function ofModule(programs: readonly Program[], module: string): Program | undefined {
  return programs.find(({ modules }) => modules?.includes(module));
}

export function ofScript(programs: readonly Program[], path: string): Program | undefined {
  return programs.find(({ scripts }) => scripts?.some((end) => path === end || path.endsWith(`/${end}`)));
}

/** @param next the word behind the command. */
export function ofCommand(
  programs: readonly Program[],
  word: string,
  next: string | undefined,
): { readonly program: Program; readonly words: number } | undefined {
  const name = word.slice(word.lastIndexOf('/') + 1);
  for (const program of programs) {
    for (const [command, subcommand] of program.commands ?? []) {
      if (command === name && (subcommand === undefined || subcommand === next))
        return { program, words: subcommand === undefined ? 1 : 2 };
    }
  }
  return undefined;
}
