import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPSCTL, run, startSandbox, type TestSandbox, until } from './support.ts';

// The gate on a real Slurm. /dev/shm of two of four nodes is filled for real; all runs are submitted at once.
let slurm: TestSandbox;
const HANGS = `#!/usr/bin/env bash
# ---
# id: hangs
# question: "Does a site's own check that hangs hold up a run?"
# scope: node
# level: node
# gate: true
# seconds: 300
# rules:
#   - { fact: answer, op: eq, limit: "no", severity: critical, message: "no", fix: "none" }
# ---
trap '' TERM
while :; do sleep 60; done
`;

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '4']);
  const made = await run([
    '/usr/bin/python3',
    join(OPSCTL, '..', '..', 'examples', 'lm', 'make_data.py'),
    ...['--out', join(slurm.root, 'data'), '--samples', '64', '--files', '2', '--seed', '1'],
  ]);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  const fill = 'head -c 50M /dev/zero >/dev/shm/left-behind';
  const filled = await slurm.slurm(['srun', '--nodelist=gnode[02-03]', 'bash', '-c', fill]);
  expect(filled, filled.stderr).toMatchObject({ code: 0 });
  const site = join(slurm.root, 'site', 'opsctl', 'checks');
  mkdirSync(site, { recursive: true });
  writeFileSync(join(site, 'hangs.sh'), HANGS);

  await submit('one-bad', ['--nodes', '2', '--exclude', 'gnode03']);
  await submit('no-budget', ['--nodes', '2', '--exclude', 'gnode03', '--max-requeues', '0']);
  await submit('all-bad', ['--nodes', '2', '--nodelist', 'gnode[02-03]']);
  const gone = join(slurm.root, 'gone');
  await submit('no-data', ['--nodes', '2', '--exclude', 'gnode[02-03]', '--data', gone, '--no-preflight']);
  const env = { XDG_CONFIG_HOME: join(slurm.root, 'site') };
  await submit('hanging', ['--nodes', '1', '--nodelist', 'gnode04'], env);
}, 60_000);
afterAll(() => slurm?.down());

async function submit(name: string, options: readonly string[], env: Record<string, string> = {}) {
  const given = { data: join(slurm.root, 'data'), output: join(slurm.root, 'runs'), name };
  const small = { python: '/usr/bin/python3', 'max-steps': '4', 'processes-per-node': '1', time: '10:00' };
  const words = Object.entries({ ...given, ...small }).flatMap(([key, value]) => [`--${key}`, value]);
  const result = await slurm.opsctl(
    ['submit', 'sft', '-t', 'example', ...words, '--again', '--json', ...options],
    { env },
  );
  expect(result, result.stderr).toMatchObject({ code: 0 });
}

const status = async (name: string) =>
  JSON.parse((await slurm.opsctl(['status', name, '--json'])).stdout) as Record<string, unknown>;
const ended = (name: string) =>
  until(
    `the end of ${name}`,
    async () => {
      const { outcome, state } = await status(name);
      return outcome === 'active' || outcome === 'unknown' ? undefined : state;
    },
    60_000,
  );
const log = (name: string) => readFileSync(join(slurm.root, 'runs', name, 'logs', 'job.log'), 'utf8');
const record = (name: string, attempt: number) =>
  JSON.parse(readFileSync(join(slurm.root, 'runs', name, 'attempts', `${attempt}.json`), 'utf8')) as Record<
    string,
    unknown
  >;

describe('the gate on a cluster', () => {
  it('leaves out the node whose /dev/shm is full, and the run ends well on others', async () => {
    const { jobId } = await status('one-bad');
    const show = async () => (await slurm.slurm(['scontrol', '-o', 'show', 'job', String(jobId)])).stdout;
    await until(
      'the gate has refused a node',
      () =>
        existsSync(join(slurm.root, 'runs', 'one-bad', 'attempts', '0.json')) &&
        record('one-bad', 0).reason === 'gate',
    );
    await until('Slurm knows', async () => !(await show()).includes('ExcNodeList=gnode03 ')).catch(
      () => undefined,
    );
    expect(await show(), log('one-bad')).toContain('ExcNodeList=gnode03,gnode02 ');
    expect(log('one-bad')).toMatch(/gate: critical on gnode02: shm: \d+ MiB free in \/dev\/shm, of 64 \[/);
    expect(record('one-bad', 0)).toMatchObject({ reason: 'gate', requeued: true, refused: ['gnode02'] });
    // While Slurm takes the job back its state is in between.
    await until('status tells it', async () => {
      const { stdout } = await slurm.opsctl(['status', 'one-bad']);
      return (
        /0: gate refused gnode02, requeued/.test(stdout) && /The gate left nodes out: shm: /.test(stdout)
      );
    });
    // Slurm holds a requeued job back; an operator may shorten that, but not into the second of its last end.
    await until('it waits', async () => (await show()).includes('Reason=BeginTime'));
    await slurm.slurm(['scontrol', 'update', `JobId=${jobId}`, 'StartTime=now+2seconds']);
    expect(await ended('one-bad')).toBe('COMPLETED');
    expect(record('one-bad', 1)).toMatchObject({ reason: 'finished', nodes: ['gnode01', 'gnode04'] });
  }, 100_000);

  it('stops when the budget is used up', async () => {
    expect(await ended('no-budget')).toBe('FAILED');
    expect(log('no-budget')).toContain('max_requeues is 0');
    expect(record('no-budget', 0)).toMatchObject({ exitCode: 2, reason: 'gate', requeued: false });
  }, 60_000);

  it('stops with the fix when every node shows the same', async () => {
    expect(await ended('all-bad')).toBe('FAILED');
    const found = /shm: \d+ MiB free in \/dev\/shm, of 64 \[opsctl runbook show shm-exhausted\]/.source;
    expect(log('all-bad')).toMatch(new RegExp(`gate: critical on all 2 nodes: ${found}`));
    expect(log('all-bad')).toMatch(new RegExp(`gate: stopped: every node shows it: ${found}`));
    expect(record('all-bad', 0)).toMatchObject({ exitCode: 2, requeued: false });
  }, 60_000);

  it('stops for data that no node sees', async () => {
    expect(await ended('no-data')).toBe('FAILED');
    const because = `every node shows it: paths: not readable here: ${join(slurm.root, 'gone')} (missing)`;
    expect(log('no-data')).toContain(because);
    expect((await status('no-data')).notes).toContainEqual(expect.stringContaining(because));
    expect(record('no-data', 0)).toMatchObject({ exitCode: 2, reason: 'gate', requeued: false });
  }, 60_000);

  it("does not wait for a site's own check that hangs, and holds it against nobody", async () => {
    expect(await ended('hanging')).toBe('COMPLETED');
    expect(log('hanging')).toContain('gate: unknown on gnode04: hangs: no answer in time');
    const [, seconds] = /gate: 1 of 1 nodes have answered, in (\d+) s/.exec(log('hanging')) ?? [];
    expect(Number(seconds)).toBeLessThanOrEqual(11);
    const { gate } = JSON.parse(
      readFileSync(join(slurm.root, 'runs', 'hanging', 'manifest.json'), 'utf8'),
    ) as {
      gate: { checks: string[] };
    };
    expect(gate.checks).toContain('hangs');
  }, 60_000);

  it('holds no node when it has stopped', async () => {
    await until('all nodes are free', async () => {
      const { stdout } = await slurm.slurm(['sinfo', '--noheader', '--format=%t']);
      return stdout.trim() === 'idle';
    });
  }, 60_000);
});
