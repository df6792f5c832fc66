import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planOf } from '../support/plan.ts';

const paths = { data: '/data/sft', output: '/data/runs' };
/** Name of the golden file, trainer, values. `npm run golden` writes them anew; read the difference before you commit it. */
const CASES: [string, string, Record<string, unknown>][] = [
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

describe('golden scripts', () => {
  it.each(CASES)('%s is rendered as it was agreed', async (name, trainer, values) => {
    const path = `test/golden/${name}.sbatch`;
    const { script } = await planOf(trainer, values, {
      trainerFlags: name.includes('odd') ? ['--chat_template_path', "it's; here"] : [],
    });
    if (process.env.UPDATE_GOLDEN) writeFileSync(path, script);
    expect(existsSync(path), `${path} is missing: npm run golden`).toBe(true);
    expect(script).toBe(readFileSync(path, 'utf8'));
  });

  it.each(CASES)('%s passes bash -n and shellcheck', (name) => {
    const path = `test/golden/${name}.sbatch`;
    execFileSync('bash', ['-n', path]);
    expect(execFileSync('shellcheck', ['--severity=style', path], { encoding: 'utf8' })).toBe('');
    // The node's part is text to the batch shell: looked at by itself.
    const node = /<<'NODE'[^\n]*\n([\s\S]*?)\nNODE\n/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
    expect(node).toContain('launch()');
    // SC2154: set by the batch script and by Slurm. SC2016: a name that holds $(…) is meant to stay as it is.
    execFileSync('shellcheck', ['--shell=bash', '--exclude=SC2154,SC2016', '-'], { input: node });
  });
});
