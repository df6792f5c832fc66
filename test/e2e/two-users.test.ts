import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPSCTL, slurmdOf, startSandbox, type TestSandbox, until } from './support.ts';

/** Another user: base-passwd's `games`, whom every Debian has and nobody is. */
const OTHER = 5;
const OTHER_GROUP = 60;
const AS_OTHER = ['setpriv', `--reuid=${OTHER}`, `--regid=${OTHER_GROUP}`, '--clear-groups'];

/** The acting user is root, whom Slurm and the kernel would let do everything: what holds here is opsctl alone. */
describe.skipIf(process.getuid?.() !== 0)('with two users on one cluster', () => {
  let slurm: TestSandbox;
  let other: string;
  beforeAll(async () => {
    slurm = await startSandbox(['--nodes', '2']);
    // A sandbox is its owner's alone; here another user has jobs in it, as on a cluster.
    const nodes = ['gnode01', 'gnode02'].map((node) => join('spool', node));
    for (const part of ['', 'etc', 'run', 'spool', ...nodes]) chmodSync(join(slurm.dir, part), 0o755);
    for (const file of ['slurm.conf', 'gres.conf', 'cgroup.conf'])
      chmodSync(join(slurm.dir, 'etc', file), 0o644);
    chmodSync(slurm.root, 0o755);
    other = join(slurm.root, 'other');
    mkdirSync(other);
    chownSync(other, OTHER, OTHER_GROUP);
  });
  afterAll(() => slurm?.down());

  const asOther = (argv: readonly string[]) => slurm.slurm([...AS_OTHER, ...argv], { cwd: other });
  const stateOf = async (job: string) =>
    (await slurm.slurm(['squeue', '-h', '-t', 'all', '-j', job, '-o', '%T'])).stdout.trim();
  const submitAsOther = async (command: string, ...options: string[]) => {
    const sent = await asOther(['sbatch', '--parsable', ...options, '--wrap', command]);
    expect(sent.code, sent.stderr).toBe(0);
    return sent.stdout.trim();
  };

  it('touches no job of the other, whoever names it and whatever Slurm would allow', async () => {
    const job = await submitAsOther('sleep 300', '--nodelist=gnode01');
    await until('the job runs', async () => (await stateOf(job)) === 'RUNNING');
    const cancel = await slurm.opsctl(['cancel', job]);
    expect(cancel).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`job ${job} is games's, not yours`),
    });
    for (const action of ['requeue', 'cancel', 'hold', 'clear-nccl-shm']) {
      const asked = await slurm.opsctl([
        'runbook',
        'run',
        job,
        '--only',
        action,
        '--apply',
        '--yes',
        '--json',
      ]);
      expect(asked.code, asked.stdout).not.toBe(0);
      const { applied, plan } = JSON.parse(asked.stdout) as { applied: boolean; plan: { steps: unknown[] } };
      expect([applied, plan.steps], action).toEqual([false, []]);
    }
    expect(await stateOf(job)).toBe('RUNNING');
  });

  it('does not tell of the other’s jobs and nodes: nothing is wrong', async () => {
    await submitAsOther('exit 3', '--nodelist=gnode02');
    const quiet = await slurm.opsctl(['oncall']);
    expect(quiet).toMatchObject({ code: 0, stdout: 'Nothing is wrong: 0 running, 0 waiting.\n' });
    const look = await slurm.opsctl(['watch', '--once', '--json']);
    expect(JSON.parse(look.stdout)).toMatchObject({ runs: [], alerts: [], actions: [] });
  });

  it('keeps all that its commands write from the other, whatever the umask', async () => {
    const state = slurm.env.OPSCTL_HOME ?? '';
    const data = join(slurm.root, 'data');
    const made = [
      'examples/lm/make_data.py',
      '--out',
      data,
      '--samples',
      '20',
      '--files',
      '1',
      '--seed',
      '1',
    ];
    expect(spawnSync('/usr/bin/python3', made).status).toBe(0);
    const run = ['-t', 'example', '--data', data, '--output', join(slurm.root, 'runs'), '--nodes', '1'];
    const python = ['--python', '/usr/bin/python3', '--no-preflight'];
    writeFileSync(
      join(slurm.root, 'two.yaml'),
      `trainer: example\nparameters: { data: ${data}, output: ${join(slurm.root, 'runs')}, nodes: 1, python: /usr/bin/python3 }\nstages: [{ name: one, phase: sft }]\n`,
    );
    const commands = [
      ['submit', 'sft', ...run, ...python, '--name', 'mine'],
      ['pipeline', 'submit', 'two.yaml', '--no-preflight'],
      ['status', 'mine'],
      ['cancel', 'mine'],
      ['runbook', 'exclude', 'gnode02', '--for', '1:00:00'],
      ['runbook', 'breaker', '--reset'],
      ['silence', 'add', '--fault', 'hang', '--for', '1h', '--reason', 'test'],
      ['watch', '--once'],
      ['oncall'],
    ];
    for (const words of commands) {
      const argv = ['bash', '-c', 'umask 0; exec "$@"', '-', OPSCTL, ...words];
      const { code, stderr } = await slurm.slurm(argv);
      expect([0, 1], `${words.join(' ')}: ${stderr}`).toContain(code);
    }
    const written = readdirSync(state, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('sandboxes'))
      .map((name) => ({ name, mode: lstatSync(join(state, name)).mode & 0o777 }));
    expect(written.filter(({ mode }) => mode !== 0o700 && mode !== 0o600)).toEqual([]);
    const parts = new Set(written.map(({ name }) => name.split('/')[0]));
    expect([...parts].sort()).toEqual(
      ['alerts', 'exclusions.json', 'fingerprints', 'jobs', 'journal', 'pipelines', 'runs', 'watch'].sort(),
    );
    expect(lstatSync(state).mode & 0o777).toBe(0o700);
  });

  it.each(['watch', 'runs', 'journal'])(
    'believes nothing where the other could have written: %s',
    async (part) => {
      const path = join(slurm.env.OPSCTL_HOME ?? '', part);
      chmodSync(path, 0o777);
      for (const words of [['watch', '--once'], ['oncall'], ['cancel', 'mine'], ['prune', 'mine', '--apply']])
        expect(await slurm.opsctl(words)).toMatchObject({
          code: 1,
          stderr: expect.stringContaining(`${path} can be written by others`),
        });
      chmodSync(path, 0o700);
    },
  );

  it('prunes none of the other’s checkpoints, and follows none of his links', async () => {
    const checkpoints = join(slurm.root, 'runs', 'mine', 'checkpoints');
    const theirs = join(other, 'checkpoint-1');
    for (const path of [theirs, ...[2, 3, 4, 5].map((step) => join(checkpoints, `checkpoint-${step}`))]) {
      mkdirSync(path, { recursive: true });
      for (const file of ['model.pt', 'trainer_state.json']) writeFileSync(join(path, file), '{}');
    }
    symlinkSync(theirs, join(checkpoints, 'checkpoint-1'));
    const give = (...names: string[]) =>
      spawnSync('chown', ['-hR', `${OTHER}:${OTHER_GROUP}`, ...names.map((name) => join(checkpoints, name))]);
    give('checkpoint-1', 'checkpoint-2', 'checkpoint-3/model.pt');
    spawnSync('find', [checkpoints, other, '-exec', 'touch', '-h', '-d', '2025-01-01', '{}', '+']);
    spawnSync('touch', ['-d', '2025-01-02', join(checkpoints, 'checkpoint-5', 'model.pt')]);
    const pruned = await slurm.opsctl(['prune', 'mine', '--keep', '1', '--apply']);
    expect(pruned, pruned.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/deleted +checkpoint-4 /),
    });
    expect(pruned.stdout).toContain('deleted 1,');
    expect(readdirSync(checkpoints).sort()).toEqual([1, 2, 3, 5].map((step) => `checkpoint-${step}`));
    expect(readdirSync(theirs)).toHaveLength(2);
  });

  it('clears none of the other’s files from /dev/shm, whatever he puts there under NCCL’s names', async () => {
    const config = 'version: 1\nprofiles:\n  test:\n    automation: {shm_age: "0:00:01"}\n';
    writeFileSync(join(slurm.root, 'opsctl.yaml'), config);
    writeFileSync(join(slurm.root, 'mine'), 'precious');
    await slurm.slurm(['scancel', '--partition=gpu']);
    await until('no job is left', async () => {
      const { stdout } = await slurm.slurm(['squeue', '-h', '-t', 'R,CG,PD']);
      return stdout === '';
    });
    const job = (
      await slurm.slurm(['sbatch', '--parsable', '--nodelist=gnode01', '--wrap', 'exit 1'])
    ).stdout.trim();
    await until('the job has ended', async () => (await stateOf(job)) === 'FAILED');
    const inNode = ['nsenter', '-t', slurmdOf(slurm.dir, 'gnode01'), '-m'];
    const there = (argv: readonly string[]) => slurm.slurm([...inNode, ...argv]);
    expect((await there(['sh', '-c', 'cd /dev/shm && chmod 1777 . && touch nccl-mine mine-too'])).code).toBe(
      0,
    );
    const tricks = [
      'cd /dev/shm',
      'touch nccl-his',
      `ln -s ${join(slurm.root, 'mine')} nccl-link`,
      'ln -s /dev/shm/mine-too nccl-link-here',
      'mkdir nccl-directory',
      'mkfifo nccl-pipe',
      `touch "$(printf 'nccl-\\nfree mine-too\\033[2J')"`,
      // Allowed only where fs.protected_hardlinks is off.
      'ln mine-too nccl-second 2>/dev/null || true',
    ].join('; ');
    expect((await there([...AS_OTHER, 'sh', '-c', tricks])).code).toBe(0);
    const before = (await there(['ls', '-b', '/dev/shm'])).stdout
      .split('\n')
      .filter((name) => name !== 'nccl-mine');
    await until('the files are older than shm_age', async () => {
      const { stdout } = await there(['sh', '-c', 'stat -c %Z /dev/shm/mine-too; date +%s']);
      const [changed = 0, now = 0] = stdout.split('\n').map(Number);
      return changed > 0 && now - changed > 1;
    });
    const words = [
      'runbook',
      'run',
      job,
      '--only',
      'clear-nccl-shm',
      '--node',
      'gnode01',
      '--apply',
      '--yes',
    ];
    const cleared = await slurm.opsctl(words);
    expect(cleared.stdout).toContain('deleted 1; kept');
    expect(cleared.stdout).not.toContain('\u001b');
    expect((await there(['ls', '-b', '/dev/shm'])).stdout.split('\n')).toEqual(before);
    expect(readFileSync(join(slurm.root, 'mine'), 'utf8')).toBe('precious');
  });

  it('follows no runbook that the other could have written', async () => {
    const runbooks = join(slurm.root, 'config', 'opsctl', 'runbooks');
    mkdirSync(runbooks, { recursive: true });
    writeFileSync(join(runbooks, 'mine.md'), '---\n---\n');
    chownSync(join(runbooks, 'mine.md'), OTHER, OTHER_GROUP);
    const refused = await slurm.opsctl(['diagnose', '-'], { input: 'x' });
    rmSync(runbooks, { recursive: true });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('belongs to another user (uid 5)'),
    });
  });
});
