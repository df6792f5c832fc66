import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { trainerCommands } from '../../src/run/commands.ts';
import { realSystem } from '../../src/system/system.ts';
import { checkCommand } from '../../src/trainer/check.ts';
import { loadKnowledge } from '../../src/trainer/knowledge.ts';
import { planOf } from '../support/plan.ts';
import { CASES as ALL, caseName } from './cases.ts';

const paths = { data: '/data/sft', output: '/data/runs' };
/** Name of the golden file, trainer, values. `npm run golden` writes them anew; read the difference before you commit it. */
const SFT: [string, string, Record<string, unknown>][] = [
  ['sft-example', 'example', { ...paths, nodes: 2 }],
  [
    'sft-xllm-zero3',
    'xllm',
    {
      ...paths,
      model: '/models/llama-2-13b',
      code: '/code/PhasedSFT',
      nodes: 4,
      account: 'research',
      qos: 'high',
      partition: 'gpu',
    },
  ],
  [
    'sft-xllm-fsdp',
    'xllm',
    {
      ...paths,
      model: '/models/llama-2-70b',
      code: '/code/PhasedSFT',
      nodes: 8,
      strategy: 'full_shard',
      per_device_train_batch_size: 4,
      gradient_accumulation_steps: 4,
      modules: 'cuda/12.1 gcc/11',
      activate: '/envs/xllm/bin/activate',
      data_root: '/data/me',
      secrets_file: '/home/me/.secrets',
    },
  ],
  [
    'sft-trl',
    'trl',
    {
      ...paths,
      model: 'Qwen/Qwen2.5-7B',
      nodes: 2,
      exclude: 'gnode[05,09]',
      socket_ifname: 'bond0',
      ib_hca: 'mlx5_0,mlx5_1',
      report_to: 'wandb',
      offline: true,
    },
  ],
  [
    'sft-trl-odd-names',
    'trl',
    {
      model: "/models/my 'best' $(model) `x`",
      data: '/data/a b/100%',
      output: '/data/new runs; 100%j',
      name: 'odd',
      data_format: 'messages',
      eval_steps: 50,
    },
  ],
];

const CONTAINERS: [string, Record<string, unknown>][] = [
  [
    'container-pyxis',
    {
      container_image: 'nvcr.io#nvidia/pytorch:25.01-py3',
      container_runtime: 'pyxis',
      secrets_file: '/home/me/.secrets',
    },
  ],
  [
    'container-apptainer',
    {
      container_image: '/images/trl 1.0.sif',
      container_runtime: 'apptainer',
      container_mounts: '/scratch /opt/site',
      modules: 'apptainer/1.3',
      data_root: '/data/me',
    },
  ],
  ['conda', { conda_env: 'trl', modules: 'miniforge3' }],
  ['venv', { venv: "/envs/it's mine" }],
  ['uv', { uv_project: '/code/project' }],
];
/** Several directories, for each trainer that can mix them. */
const MIXED: readonly [string, string, string, Record<string, unknown>][] = [
  ['cpt-llama-factory-mixed', 'cpt', 'llama-factory', { model: '/m', data_shares: '0.5 0.3 0.2' }],
  [
    'cpt-megatron-mixed',
    'cpt',
    'megatron',
    { model: '/m', code: '/c', tokenizer: '/t', max_steps: 9, data_shares: '0.5 0.3 0.2' },
  ],
  ['sft-openrlhf-mixed', 'sft', 'openrlhf', { model: '/m', data_shares: '0.5 0.3 0.2' }],
  ['sft-trl-mixed', 'sft', 'trl', { model: '/m', data_shares: '0.5 0.3 0.2' }],
  ['sft-xllm-mixed', 'sft', 'xllm', { model: '/m', code: '/c' }],
  ['dpo-xllm-mixed', 'dpo', 'xllm', { model: '/m', code: '/c', architecture: 'Qwen' }],
  [
    'sft-example-lists',
    'sft',
    'example',
    {
      data_suffix: 'sft_train.jsonl',
      pretrain_data: '/data/sft /data/books',
      eval_data: '/data/sft',
      eval_pretrain_data: '/data/sft',
    },
  ],
  ['sft-deepspeed-chat-mixed', 'sft', 'deepspeed-chat', { model: '/m', code: '/c', loss_on: 'all' }],
];
const NAMED = [
  ...MIXED.map(([name, phase, trainer, values]) => ({
    name,
    phase,
    trainer,
    stage: undefined,
    values: { ...paths, nodes: 2, data_root: '/data/me', more_data: "/data/code /data/it's", ...values },
  })),
  ...SFT.map(([name, trainer, values]) => ({ name, trainer, values, phase: 'sft', stage: undefined })),
  ...ALL.map((one) => ({ name: caseName(one), stage: undefined, ...one })),
  ...CONTAINERS.map(([name, values]) => ({
    name: `sft-trl-${name}`,
    trainer: 'trl',
    phase: 'sft',
    stage: undefined,
    values: { ...paths, model: '/models/base-7b', nodes: 2, ...values },
  })),
];
type Named = (typeof NAMED)[number];
const planNamed = ({ name, trainer, values, phase, stage }: Named) =>
  planOf(trainer, values, {
    phase,
    stage,
    trainerFlags: name.includes('odd') ? ['--chat_template_path', "it's; here"] : [],
  });

describe('golden scripts', () => {
  it.each(NAMED)('$name is rendered as it was agreed', async (one) => {
    const path = `test/golden/${one.name}.sbatch`;
    const { script } = await planNamed(one);
    if (process.env.UPDATE_GOLDEN) writeFileSync(path, script);
    expect(existsSync(path), `${path} is missing: npm run golden`).toBe(true);
    expect(script).toBe(readFileSync(path, 'utf8'));
  });

  it('have no file that nobody renders', () => {
    const files = readdirSync('test/golden').filter((file) => file.endsWith('.sbatch'));
    expect(files).toEqual(NAMED.map(({ name }) => `${name}.sbatch`).sort());
  });

  it.each(NAMED)('$name passes bash -n and shellcheck', ({ name }) => {
    const path = `test/golden/${name}.sbatch`;
    execFileSync('bash', ['-n', path]);
    expect(execFileSync('shellcheck', ['--severity=style', path], { encoding: 'utf8' })).toBe('');
    // The node's part is text to the batch shell: looked at by itself.
    const [environment = '', launcher = ''] = ['ENVIRONMENT', 'NODE'].map(
      (end) =>
        new RegExp(`<<'${end}'[^\\n]*\\n([\\s\\S]*?)\\n${end}\\n`).exec(readFileSync(path, 'utf8'))?.[1],
    );
    expect(environment).toContain('export PYTHONUNBUFFERED=1');
    expect(launcher).toContain('launch()');
    // SC2154: set by the batch script and by Slurm. SC2016: a name that holds $(…) is meant to stay as it is.
    // SC2054: a flag's value may be a list with commas.
    const node = `set -euo pipefail\n${environment}\n${launcher}`;
    execFileSync('shellcheck', ['--shell=bash', '--exclude=SC2154,SC2016,SC2054', '-'], { input: node });
  });

  it.each(NAMED)('$name gives the trainer only flags that its version has', async (one) => {
    const { script } = await planNamed(one);
    const commands = await trainerCommands(realSystem(), script, 2);
    expect(commands.length).toBeGreaterThan(0);
    const knowledge = await loadKnowledge({ HOME: '/nowhere' });
    for (const { argv } of commands) {
      const { programs, problems } = checkCommand(argv, knowledge);
      expect(problems, argv.join(' ')).toEqual([]);
      // A program that is not known would pass everything.
      if (one.trainer !== 'example' && one.trainer !== 'own')
        expect(programs.length, argv.join(' ')).toBeGreaterThan(0);
    }
    // LLaMA-Factory reads the rest from a file that the script writes: the same names as its flags.
    const settings = /<<'YAML'\nstage: ([\s\S]*?)\nYAML\n/.exec(script)?.[0].split('\n').slice(1, -2) ?? [];
    const flags = settings
      .filter((line) => line !== '' && !line.startsWith('#'))
      .flatMap((line) => {
        const [, key = '', value = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
        return [`--${key}`, value.startsWith('"') ? (JSON.parse(value) as string) : value];
      });
    expect(flags.length > 0).toBe(one.trainer === 'llama-factory');
    const words = ['llamafactory-cli', 'train', ...flags];
    if (flags.length > 0) expect(checkCommand(words, knowledge).problems).toEqual([]);
  });
});
