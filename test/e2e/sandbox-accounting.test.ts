import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type TestSandbox, until } from './support.ts';

describe('a sandbox with accounting', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await startSandbox(['--nodes', '1', '--accounting']);
  });
  afterAll(() => sandbox?.down());

  it('knows this user, the account research and two QOS', async () => {
    const user = userInfo().username;
    const show = [
      'sacctmgr',
      '-nP',
      'show',
      'assoc',
      `user=${user}`,
      'account=research',
      'format=account,qos',
    ];
    expect((await sandbox.slurm(show)).stdout.trim()).toBe('research|high,normal');
    expect(await sandbox.slurm(['srun', '--qos=high', 'true'])).toMatchObject({ code: 0 });
  });

  it('refuses an account and a QOS that are not there', async () => {
    const account = await sandbox.slurm(['sbatch', '-A', 'nope', '--wrap', 'true']);
    expect(account.stderr).toContain('Invalid account');
    const qos = await sandbox.slurm(['sbatch', '--qos', 'nope', '--wrap', 'true']);
    expect(qos.stderr).toContain('Invalid qos');
  });

  it('remembers a job after it has ended', async () => {
    const job = (await sandbox.slurm(['sbatch', '--parsable', '--wrap', 'exit 3'])).stdout.trim();
    const ask = async () =>
      (await sandbox.slurm(['sacct', '-nXP', '-j', job, '-o', 'state,exitcode'])).stdout.trim();
    await until('sacct knows its end', async () => (await ask()) === 'FAILED|3:0');
  });

  it('gets a new database when the old one was killed', async () => {
    const opsctl = (...words: string[]) => sandbox.opsctl(['sandbox', ...words, '--dir', sandbox.dir]);
    const { pids } = JSON.parse((await opsctl('status', '--json')).stdout) as {
      pids: Record<string, number>;
    };
    process.kill(pids.mariadbd ?? 0, 'SIGKILL');
    expect((await opsctl('status')).stdout).toContain('mariadbd not running');
    const up = await opsctl('up', '--json');
    expect(up.stderr).toBe('');
    expect(JSON.parse(up.stdout)).toMatchObject({ outcome: 'repaired' });
    expect(await sandbox.slurm(['srun', '-A', 'research', 'true'])).toMatchObject({ code: 0 });
  });
});
