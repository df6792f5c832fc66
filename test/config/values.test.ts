import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { configValues } from '../../src/config/values.ts';

it('lists every value with its source, and shows no secret', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'opsctl-values-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'opsctl.yaml');
  const defaults = [
    'WANDB_API_KEY: abc',
    'hf-token: abc',
    'note: hf_abcdefghijkl',
    'max_tokens: 5',
    'pad_token: "<pad>"',
  ];
  await writeFile(
    path,
    `profiles:\n  a:\n    cluster: c\n    partitions: { gpu: }\n    defaults:\n      ${defaults.join('\n      ')}\n`,
  );
  const values = configValues(await loadConfig({ cwd: directory, env: {} }));
  const byKey = Object.fromEntries(
    values.map(({ key, value, source }) => [key, [value, source.replace(path, 'FILE')]]),
  );
  expect(byKey).toMatchObject({
    cluster: ['c', 'FILE:3'],
    'partitions.gpu.max_time': [null, 'default'],
    'environment.python': ['python3', 'default'],
    phases: [{}, 'default'],
    'defaults.WANDB_API_KEY': ['********', 'FILE:6'],
    'defaults.hf-token': ['********', 'FILE:7'],
    'defaults.note': ['********', 'FILE:8'],
    'defaults.max_tokens': [5, 'FILE:9'],
    'defaults.pad_token': ['<pad>', 'FILE:10'],
  });
  expect(values.filter(({ masked }) => masked)).toHaveLength(3);
});
