import { chownSync, cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OPSCTL, run, temporaryDirectory, traces } from './support.ts';

/** A user that every Debian has and nobody is: base-passwd's `games`. */
const UID = 5;
const AS_USER = ['setpriv', `--reuid=${UID}`, `--regid=60`, '--clear-groups'];

describe.skipIf(process.getuid?.() !== 0)('a sandbox of an ordinary user', () => {
  it('runs that user’s jobs, gives each node its own /dev/shm, and leaves nothing', async () => {
    const home = temporaryDirectory();
    chownSync(home, UID, 60);
    // The checkout may lie where only root can read.
    for (const part of ['bin', 'dist', 'templates', 'trainers', 'package.json']) {
      cpSync(join(OPSCTL, '..', '..', part), join(home, 'opsctl', part), { recursive: true });
    }
    const env = { HOME: home, USER: 'games', OPSCTL_HOME: join(home, 'state'), SLURM_CONF: undefined };
    const as = (argv: readonly string[], more: Record<string, string> = {}) =>
      run([...AS_USER, ...argv], { cwd: home, env: { ...env, ...more } });
    const opsctl = (...words: string[]) =>
      as([join(home, 'opsctl', 'bin', 'opsctl.cjs'), 'sandbox', ...words]);

    onTestFinished(async () => {
      await opsctl('down');
      rmSync(home, { recursive: true });
    });

    const up = await opsctl('up', '--json');
    expect(up.code, up.stderr).toBe(0);
    const {
      env: variables,
      privateShm,
      dir,
    } = JSON.parse(up.stdout) as {
      env: Record<string, string>;
      privateShm: boolean;
      dir: string;
    };
    const script =
      'id -un; echo $CUDA_VISIBLE_DEVICES; touch /dev/shm/$SLURMD_NODENAME; sleep 0.5; ls /dev/shm | wc -l';
    const job = await as(['srun', '-N2', '--gres=gpu:1', 'sh', '-c', script], variables);
    const files = privateShm ? '1' : '2';
    expect(job.stdout.trim().split('\n').sort(), job.stderr).toEqual([
      '0',
      '0',
      files,
      files,
      'games',
      'games',
    ]);

    await as(['sbatch', '-N2', '--wrap', 'setsid env -i sleep 602 & sleep 600'], variables);
    expect(await opsctl('down')).toMatchObject({ code: 0 });
    expect(traces(dir)).toEqual([]);
  });
});
