import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type TestSandbox, until } from './support.ts';

describe('a sandbox of two nodes', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await startSandbox();
  });
  afterAll(() => sandbox?.down());

  it('runs a job at once', async () => {
    const job = await sandbox.slurm(['srun', '-N2', 'printenv', 'SLURMD_NODENAME']);
    expect(job.stdout.trim().split('\n').sort()).toEqual(['gnode01', 'gnode02']);
  });

  it('lets jobs see the test directory', async () => {
    await sandbox.slurm(['srun', '-N1', 'touch', `${sandbox.root}/seen`]);
    await until('the file', () => existsSync(`${sandbox.root}/seen`));
  });
});
