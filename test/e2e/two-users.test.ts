import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type TestSandbox, until } from './support.ts';

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
    (await slurm.slurm(['squeue', '-h', '-j', job, '-o', '%T'])).stdout.trim();
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

  it('keeps what it writes from the other, and finds it again only where no other could have written', async () => {
    const state = slurm.env.OPSCTL_HOME ?? '';
    await slurm.opsctl(['watch', '--once']);
    const loose = readdirSync(state, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('sandboxes'))
      .map((name) => ({ name, found: lstatSync(join(state, name)) }))
      .filter(({ found }) => (found.mode & 0o077) !== 0)
      .map(({ name }) => name);
    expect(loose).toEqual([]);
    expect(lstatSync(state).mode & 0o777).toBe(0o700);
    chmodSync(join(state, 'watch'), 0o777);
    const refused = await slurm.opsctl(['watch', '--once']);
    chmodSync(join(state, 'watch'), 0o700);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('can be written by others') });
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
