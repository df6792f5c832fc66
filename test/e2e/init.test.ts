import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSandbox, type TestSandbox } from './support.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox(['--nodes', '4', '--accounting']);
});
afterAll(() => sandbox?.down());

it('writes a profile of a real cluster, and changes nothing the second time', async () => {
  const first = await sandbox.opsctl(['init', '--json', '--output', 'opsctl.yaml']);
  expect(first.stderr).not.toContain('error');
  expect(JSON.parse(first.stdout)).toMatchObject({
    path: join(sandbox.root, 'opsctl.yaml'),
    written: true,
    differences: [],
  });
  const text = readFileSync(join(sandbox.root, 'opsctl.yaml'), 'utf8');
  expect(text).toContain('gpus_per_node: 8');
  expect(text).toContain('sbatch --test-only accepts --gres=gpu:');

  const second = await sandbox.opsctl(['init', '--json', '--output', 'opsctl.yaml']);
  expect(JSON.parse(second.stdout)).toMatchObject({ written: false, added: [], differences: [] });
  expect(readFileSync(join(sandbox.root, 'opsctl.yaml'), 'utf8')).toBe(text);

  const config = await sandbox.opsctl(['config', '--json']);
  expect(config.code).toBe(0);
  expect(JSON.parse(config.stdout)).toContainEqual({
    key: 'accounting',
    value: true,
    source: expect.stringMatching(/opsctl\.yaml:\d+$/),
  });
  expect((await sandbox.slurm(['squeue', '--noheader'])).stdout).toBe('');
});

it('says in under ten seconds that no cluster is there', async () => {
  const { code, stderr } = await sandbox.opsctl(['init', '--dry-run'], {
    env: { SLURM_CONF: undefined },
  });
  expect(code).toBe(69);
  expect(stderr).toContain('opsctl sandbox up');
});
