import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { slurm } from '../../src/slurm/command.ts';
import { waitingOnce } from '../../src/slurm/wait-once.ts';
import type { Exec } from '../../src/system/exec.ts';
import { asNoRoot } from '../support/as-other.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

describe('a SLURM_CONF that cannot be used', () => {
  const asked = (path: string) =>
    slurm(fakeSystem(fakeExec({}).exec, { env: { SLURM_CONF: path } }), ['squeue']);

  it('is said to be missing, or not to be read, before a program waits for it', async () => {
    const place = mkdtempSync(join(tmpdir(), 'opsctl-conf-'));
    onTestFinished(() => rmSync(place, { recursive: true }));
    const path = join(place, 'slurm.conf');
    await expect(asked(path)).rejects.toMatchObject({
      exitCode: 69,
      message: `SLURM_CONF names ${path}, which is not there`,
    });
    writeFileSync(path, '');
    chmodSync(path, 0o000);
    await asNoRoot(() =>
      expect(asked(path)).rejects.toMatchObject({
        exitCode: 69,
        message: `SLURM_CONF names ${path}, which you may not read`,
      }),
    );
  });
});

describe('a Slurm that is waited for once', () => {
  function hanging(...programs: string[]) {
    const calls: string[] = [];
    const exec: Exec = async (argv) => {
      calls.push(argv.join(' '));
      const timedOut = programs.includes(argv[0] ?? '');
      return { argv, code: timedOut ? null : 0, stdout: '', stderr: '', timedOut, missing: false };
    };
    return { calls, system: waitingOnce(fakeSystem(exec)) };
  }

  it('has no answer for the controller’s programs after one that had none', async () => {
    const { calls, system } = hanging('squeue', 'sinfo', 'scontrol');
    for (const program of ['squeue', 'sinfo', 'scontrol'])
      await expect(slurm(system, [program])).rejects.toMatchObject({
        exitCode: 75,
        message: `${program} did not answer within 8 s`,
      });
    expect(calls).toEqual(['squeue']);
  });

  it('still asks the controller when accounting hangs, and every other program', async () => {
    const { calls, system } = hanging('sacct');
    for (const _ of [1, 2]) await expect(slurm(system, ['sacct'])).rejects.toMatchObject({ exitCode: 75 });
    await slurm(system, ['squeue']);
    await system.exec(['crontab', '-l'], {});
    expect(calls).toEqual(['sacct', 'squeue', 'crontab -l']);
  });
});
