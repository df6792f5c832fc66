import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifest } from '../run/known.ts';
import { OPSCTL, slurmdOf, startSandbox, type TestSandbox, until } from './support.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox(['--nodes', '3']);
  mkdirSync(sandbox.env.XDG_CONFIG_HOME ?? '', { recursive: true });
  const config = 'version: 1\nprofiles:\n  test:\n    automation: {shm_age: "0:00:01"}\n';
  writeFileSync(join(sandbox.root, 'opsctl.yaml'), config);
});
afterAll(() => sandbox?.down());

/** Submits a job that opsctl knows as a run; it ends with this exit code after so many seconds. */
async function submit(id: string, seconds: number, exitCode: number, options: readonly string[] = []) {
  const outputDir = join(sandbox.root, id);
  mkdirSync(join(outputDir, 'logs'), { recursive: true });
  const script = join(outputDir, 'job.sbatch');
  const log = join(outputDir, 'logs', 'job.log');
  const head = ['#!/bin/bash', `#SBATCH --job-name=${id}`, '#SBATCH --mem=50M', `#SBATCH --output=${log}`];
  writeFileSync(script, [...head, `sleep ${seconds}`, `exit ${exitCode}`, ''].join('\n'));
  const answer = await sandbox.slurm(['sbatch', '--parsable', ...options, script]);
  expect(answer.stderr).toBe('');
  const jobId = answer.stdout.trim();
  const home = join(sandbox.env.OPSCTL_HOME ?? '', 'runs', id);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const run = { runId: id, jobId, user: userInfo().username, outputDir, script };
  const text = JSON.stringify(manifest({ ...run, createdAt: new Date().toISOString() }));
  writeFileSync(join(home, 'manifest.json'), text);
  return jobId;
}

async function show(jobId: string): Promise<string> {
  return (await sandbox.slurm(['scontrol', 'show', 'job', jobId])).stdout;
}

const stateIs = (jobId: string, state: string) =>
  until(`job ${jobId} ${state}`, async () => (await show(jobId)).includes(`JobState=${state} `));

/** `opsctl runbook run TARGET --apply --yes`, as JSON. */
async function apply(target: string, only: readonly string[], more: readonly string[] = []) {
  const words = only.flatMap((each) => ['--only', each]);
  const answer = await sandbox.opsctl([
    'runbook',
    'run',
    target,
    ...words,
    ...more,
    '--apply',
    '--yes',
    '--json',
  ]);
  return { code: answer.code, stderr: answer.stderr, ...JSON.parse(answer.stdout || '{}') };
}

describe('on a real Slurm', () => {
  it('requeues a run that has failed, once, and shows the plan before', async () => {
    const jobId = await submit('again', 0, 1, ['--requeue']);
    await stateIs(jobId, 'FAILED');
    const plan = await sandbox.opsctl(['runbook', 'run', 'again', '--only', 'requeue']);
    expect(plan.stdout).toContain(`run      scontrol requeue ${jobId}`);
    expect(await show(jobId)).toContain('Restarts=0');
    expect(
      (await sandbox.opsctl(['runbook', 'run', 'again', '--only', 'requeue', '--apply'])).stderr,
    ).toContain('Give --yes');
    const done = await apply('again', ['requeue']);
    expect(done).toMatchObject({ code: 0, applied: true, results: [{ action: 'requeue', result: 'done' }] });
    expect(await show(jobId)).toContain('Restarts=1');
    // It waits now: there is nothing to requeue.
    expect(await apply('again', ['requeue'])).toMatchObject({ applied: false, results: [] });
    await sandbox.slurm(['scancel', jobId]);
  });

  it('submits a run again without a node, in its own directory, and keeps later runs from it', async () => {
    const jobId = await submit('elsewhere', 0, 1, ['--no-requeue']);
    await stateIs(jobId, 'FAILED');
    const done = await apply('elsewhere', ['exclude-node', 'resubmit'], ['--node', 'gnode02']);
    expect(done.results).toMatchObject([
      { action: 'exclude-node', result: 'done' },
      { action: 'resubmit', result: 'done' },
    ]);
    const status = JSON.parse((await sandbox.opsctl(['status', 'elsewhere', '--json'])).stdout);
    expect(status.jobId).not.toBe(jobId);
    expect(await show(status.jobId)).toContain('ExcNodeList=gnode02');
    const data = join(sandbox.root, 'data');
    mkdirSync(data, { recursive: true });
    const words = [
      'render',
      'sft',
      '-t',
      'example',
      '--model',
      'tiny',
      '--data',
      data,
      '--output',
      sandbox.root,
    ];
    expect((await sandbox.opsctl(words)).stdout).toContain('#SBATCH --exclude=gnode02\n');
    expect((await sandbox.opsctl(['runbook', 'include', 'gnode02'])).code).toBe(0);
    expect((await sandbox.opsctl(words)).stdout).not.toContain('--exclude');
  });

  it('holds, releases and cancels; drains nothing that the profile does not allow', async () => {
    const jobId = await submit('waits', 60, 0, ['--begin=now+1hour']);
    expect((await apply('waits', ['hold'])).results).toMatchObject([{ result: 'done' }]);
    expect(await show(jobId)).toMatch(/Reason=JobHeld/);
    expect((await apply('waits', ['release'])).results).toMatchObject([{ result: 'done' }]);
    expect(await show(jobId)).not.toMatch(/Reason=JobHeld/);
    expect((await apply('waits', ['cancel'])).results).toMatchObject([{ result: 'done' }]);
    expect(await show(jobId)).toContain('JobState=CANCELLED');
    const drain = await apply('waits', ['drain-node'], ['--node', 'gnode03']);
    expect(drain).toMatchObject({ code: 1, applied: false, plan: { refused: [{ rail: 'allow-drain' }] } });
    expect((await sandbox.slurm(['sinfo', '-h', '-n', 'gnode03', '-o', '%T'])).stdout.trim()).not.toContain(
      'drain',
    );
  });

  it('deletes what NCCL has left in /dev/shm of a node, and nothing that is in use or a link', async () => {
    const jobId = await submit('shm', 0, 1);
    await stateIs(jobId, 'FAILED');
    const inNode = ['nsenter', '-t', slurmdOf(sandbox.dir, 'gnode01'), '-m'];
    const files =
      'cd /dev/shm && touch nccl-dead nccl-open nccl-mapped other && ln -s /etc/hostname nccl-link && ln nccl-dead hard && rm hard';
    expect((await sandbox.slurm([...inNode, 'sh', '-c', files])).code).toBe(0);
    const hold =
      'import mmap,time; f=open("/dev/shm/nccl-mapped","r+b"); f.truncate(4096); m=mmap.mmap(f.fileno(),4096); f.close(); g=open("/dev/shm/nccl-open"); print("ready",flush=True); time.sleep(60)';
    const holder = spawn('nsenter', [...inNode.slice(1), 'python3', '-c', hold]);
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      await until('the files are older than shm_age', async () => {
        const { stdout } = await sandbox.slurm([
          ...inNode,
          'sh',
          '-c',
          'stat -c %Z /dev/shm/nccl-open; date +%s',
        ]);
        const [changed = 0, now = 0] = stdout.split('\n').map(Number);
        return changed > 0 && now - changed > 1;
      });
      const done = await apply('shm', ['clear-nccl-shm'], ['--node', 'gnode01']);
      expect([done.stderr, done.results]).toMatchObject(['', [{ action: 'clear-nccl-shm', result: 'done' }]]);
      const left = (await sandbox.slurm([...inNode, 'ls', '/dev/shm'])).stdout.split('\n');
      expect(left).toEqual(expect.arrayContaining(['nccl-link', 'nccl-mapped', 'nccl-open', 'other']));
      expect(left).not.toContain('nccl-dead');
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('requeues once, wherever kill -9 meets it', async () => {
    const kills = 3;
    const ids = await Promise.all(
      Array.from({ length: kills }, (_, index) => submit(`killed-${index}`, 0, 1, ['--requeue'])),
    );
    for (const id of ids) await stateIs(id, 'FAILED');
    for (const [index, jobId] of ids.entries()) {
      const words = ['runbook', 'run', `killed-${index}`, '--only', 'requeue', '--apply', '--yes'];
      const child = spawn(OPSCTL, words, { env: { ...process.env, ...sandbox.env }, cwd: sandbox.root });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await sleep(200 + index * 80);
      child.kill('SIGKILL');
      await ended;
      await apply(`killed-${index}`, ['requeue']);
      expect(await show(jobId)).toContain('Restarts=1 ');
    }
    const journal = join(sandbox.env.OPSCTL_HOME ?? '', 'journal');
    for (const name of readdirSync(journal).filter((each) => each.endsWith('.json')))
      expect(JSON.parse(readFileSync(join(journal, name), 'utf8')).outcome?.result).not.toBe('unknown');
  });
});
