import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { init } from '../../src/config/init.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Answer, fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { recorded } from './survey.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'opsctl-init-'));
});
afterEach(() => rm(directory, { recursive: true }));

const BY_GRES = 'sbatch --test-only --partition=gpu --nodes=1 --time=1 --gres=gpu:a100:1';

/** A login node of the recorded cluster; what is given here takes the place of an answer. */
function cluster(over: Readonly<Record<string, Answer | string>> = {}) {
  return fakeExec({
    'scontrol show config': recorded('scontrol-config'),
    'scontrol --all show partition': recorded('scontrol-partition'),
    sinfo: recorded('sinfo'),
    sacctmgr: recorded('sacctmgr-user'),
    'srun --help': '      --container-image=[USER@][REGISTRY#]IMAGE[:TAG]|PATH\n',
    [BY_GRES]: {
      stderr:
        'sbatch: Job 1 to start at 2026-11-23T22:29:24 using 1 processors on nodes gnode07 in partition gpu\n',
    },
    df: `File Type 1B-blocks\n${directory} lustre 1000000000000000\n`,
    ...over,
  });
}

const choice = { name: undefined, update: false, dryRun: false };
const system = (exec: ReturnType<typeof cluster>['exec']) =>
  fakeSystem(exec, { cwd: directory, env: { HOME: '/nonexistent', SCRATCH: directory, PATH: '' } });

describe('opsctl init', () => {
  it('asks seven questions at most and writes a profile that is read again', async () => {
    const { exec, calls } = cluster();
    const result = await init(system(exec), { ...choice, output: 'new/opsctl.yaml' });
    expect(result).toMatchObject({
      path: join(directory, 'new', 'opsctl.yaml'),
      profile: 'mycluster',
      written: true,
    });
    expect(calls.filter(([program]) => program !== 'df').length).toBeLessThanOrEqual(7);
    expect(calls.filter(([program]) => program === 'sbatch')).toEqual([
      [
        'sbatch',
        '--test-only',
        '--partition=gpu',
        '--nodes=1',
        '--time=1',
        '--gres=gpu:a100:1',
        '--wrap=true',
      ],
    ]);
    expect((await stat(result.path)).mode & 0o777).toBe(0o600);
    const { profile } = await loadConfig({ cwd: directory, env: {} }, { config: result.path });
    expect(profile).toMatchObject({
      cluster: 'mycluster',
      container: 'pyxis',
      data_root: directory,
      accounts: ['research', 'teach'],
    });
  });

  it('says which profile is in force when it is not the one of this cluster', async () => {
    const file = join(directory, 'o.yaml');
    await writeFile(file, 'version: 1\nprofiles:\n  other: {cluster: other}\n');
    const second = await init(system(cluster().exec), { ...choice, output: file });
    expect(second).toMatchObject({ profile: 'mycluster', inForce: 'other' });
    const alone = await init(system(cluster().exec), { ...choice, output: 'alone.yaml' });
    expect(alone.inForce).toBe('mycluster');
  });

  it('tries --gpus-per-node when the site refuses --gres', async () => {
    const { exec } = cluster({
      [BY_GRES]: { code: 1, stderr: 'sbatch: error: use --gpus-per-node\n' },
      'sbatch --test-only --partition=gpu --nodes=1 --time=1 --gpus-per-node=1': '',
    });
    const { text } = await init(system(exec), { ...choice, output: 'x.yaml', dryRun: true });
    expect(text).toContain('# sbatch --test-only refuses --gres=gpu:a100:1: use --gpus-per-node');
    expect(text).toContain('gpu_request: gpus-per-node');
  });

  it('writes a profile without accounts when slurmdbd does not answer', async () => {
    const { exec } = cluster({ sacctmgr: { code: null, timedOut: true } });
    const { text } = await init(system(exec), { ...choice, output: 'x.yaml' });
    expect(text).toContain('Not known: sacctmgr did not answer within 8 s.');
  });

  it('writes nothing with --dry-run', async () => {
    const { exec } = cluster();
    const result = await init(system(exec), { ...choice, output: 'x.yaml', dryRun: true });
    expect(result.written).toBe(false);
    await expect(stat(result.path)).rejects.toThrow('ENOENT');
  });

  it('keeps a link a link, and permissions as they are', async () => {
    const real = join(directory, 'dotfiles.yaml');
    await writeFile(real, 'version: 1\n');
    await chmod(real, 0o640);
    await symlink(real, join(directory, 'opsctl.yaml'));
    const { exec } = cluster();
    await init(system(exec), { ...choice, output: 'opsctl.yaml' });
    expect((await lstat(join(directory, 'opsctl.yaml'))).isSymbolicLink()).toBe(true);
    expect((await stat(real)).mode & 0o777).toBe(0o640);
    expect(await readFile(real, 'utf8')).toContain('ClusterName');
  });

  it("completes the cluster's profile under the name that a person gave it", async () => {
    await writeFile(join(directory, 'opsctl.yaml'), 'profiles:\n  big-one:\n    cluster: mycluster\n');
    const { exec } = cluster();
    expect(await init(system(exec), { ...choice, output: 'opsctl.yaml' })).toMatchObject({
      profile: 'big-one',
      differences: [],
    });
  });

  it('asks nothing when the file is broken or a directory, or the name is none', async () => {
    await writeFile(join(directory, 'broken.yaml'), 'profiles: [\n');
    await mkdir(join(directory, 'dir.yaml'));
    const { exec, calls } = fakeExec({});
    await expect(init(system(exec), { ...choice, output: 'broken.yaml' })).rejects.toThrow('broken.yaml:');
    await expect(init(system(exec), { ...choice, output: 'dir.yaml' })).rejects.toThrow('is a directory');
    await expect(init(system(exec), { ...choice, name: 'a b$(x)', output: 'x.yaml' })).rejects.toThrow(
      'is no name for a profile',
    );
    expect(calls).toEqual([]);
  });

  it('says that Slurm is not installed, or down, after one question', async () => {
    const missing = fakeExec({ scontrol: { code: 127, missing: true } });
    await expect(init(system(missing.exec), { ...choice, output: 'x.yaml' })).rejects.toMatchObject({
      exitCode: 69,
    });
    const down = fakeExec({ scontrol: { code: null, timedOut: true } });
    await expect(init(system(down.exec), { ...choice, output: 'x.yaml' })).rejects.toMatchObject({
      exitCode: 75,
    });
    expect(down.calls).toHaveLength(1);
  });
});
