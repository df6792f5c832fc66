import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/run/manifest.ts';
import { manifest } from '../run/known.ts';
import { OPSCTL, startSandbox, type TestSandbox, until } from './support.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox(['--nodes', '2']);
});
afterAll(() => sandbox?.down());

/** What the templates' scripts do about logs and attempts, with steps that wait for a file named `go`. */
const SCRIPT = `#!/bin/bash
attempt=\${SLURM_RESTART_COUNT:-0}
mkdir -p "$RUN/logs/attempt-$attempt" "$RUN/attempts"
nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/.*/"&"/' | paste -sd,)
started=$(date -Iseconds)
record() {
  printf '{"attempt":%d,"jobId":"%s","nodes":[%s],"startedAt":"%s","endedAt":%s,"exitCode":%s}' \\
    "$attempt" "$SLURM_JOB_ID" "$nodes" "$started" "$1" "$2" >"$RUN/attempts/new"
  mv "$RUN/attempts/new" "$RUN/attempts/$attempt.json"
}
trap 'code=$?; record "\\"$(date -Iseconds)\\"" $code' EXIT
trap 'exit 143' TERM
record null null
export attempt
srun --label --unbuffered bash -c '
  { echo "[default0]:node $SLURM_NODEID local 0 attempt $attempt"
    echo "[default1]:node $SLURM_NODEID local 1 attempt $attempt"
    [ $SLURM_NODEID = 1 ] || echo "[default0]:step=10/20 epoch=0.50 loss=2.1034 lr=4.9e-04 grad_norm=0.910 tokens_per_second=400 tgs=100 samples_seen=80"
    until [ -e "$RUN/go" ]; do sleep 0.1; done
    echo "[default0]:end of attempt $attempt"; } | tee -a "$RUN/logs/attempt-$attempt/node-$SLURM_NODEID-$SLURMD_NODENAME.log"
' &
wait $!
exit "$(cat "$RUN/go")"
`;

interface Run {
  readonly id: string;
  readonly jobId: string;
  /** Lets the job end with this exit code. */
  readonly end: (exitCode: number) => void;
  readonly state: () => Promise<string>;
}

/** Submits by hand what `opsctl submit` would. */
async function submit(id: string, changes: Partial<Manifest> = {}, options: string[] = []): Promise<Run> {
  const outputDir = join(sandbox.root, id);
  mkdirSync(join(outputDir, 'logs'), { recursive: true });
  const script = join(outputDir, 'job.sbatch');
  writeFileSync(script, SCRIPT);
  chmodSync(script, 0o755);
  const log = join(outputDir, 'logs', 'job.log');
  const argv = [
    'sbatch',
    '--parsable',
    '--nodes=2',
    '--mem=100M',
    '--open-mode=append',
    `--job-name=${id}`,
    `--comment=opsctl:${id}`,
  ];
  const answer = await sandbox.slurm([...argv, `--output=${log}`, '--requeue', ...options, script], {
    env: { RUN: outputDir },
  });
  expect(answer.stderr).toBe('');
  const jobId = answer.stdout.trim();
  const home = join(sandbox.env.OPSCTL_HOME ?? '', 'runs', id);
  mkdirSync(home, { recursive: true });
  const run = manifest({
    runId: id,
    jobId,
    user: userInfo().username,
    outputDir,
    createdAt: new Date().toISOString(),
    ...changes,
  });
  writeFileSync(join(home, 'manifest.json'), JSON.stringify(run));
  return {
    id,
    jobId,
    end: (exitCode) => writeFileSync(join(outputDir, 'go'), String(exitCode)),
    state: async () => (await status(id)).document.state,
  };
}

async function status(name: string) {
  const { code, stdout, stderr } = await sandbox.opsctl(['status', name, '--json']);
  return { code, stderr, document: JSON.parse(stdout) };
}

const stateIs = (run: Run, state: string) =>
  until(`${run.id} ${state}`, async () => (await run.state()) === state);

describe('on a cluster without accounting', () => {
  it('shows a run with its step, loss and speed, and then its end', async () => {
    const run = await submit('good');
    await until('step', async () => (await status('good')).document.metrics.step);
    const { code, document } = await status(run.jobId);
    expect(code).toBe(0);
    expect(document).toMatchObject({
      runId: 'good',
      jobId: run.jobId,
      state: 'RUNNING',
      outcome: 'active',
      source: 'squeue',
      nodes: ['gnode01', 'gnode02'],
      metrics: { step: 10, totalSteps: 20, loss: 2.1034, tokensPerSecond: 400, tgs: 100, tgsSource: 'log' },
    });
    run.end(0);
    await stateIs(run, 'COMPLETED');
    expect((await sandbox.opsctl(['status'])).stdout).toContain('COMPLETED');
  });

  it('says that a failed run failed, by its exit code too', async () => {
    const run = await submit('bad');
    run.end(7);
    await stateIs(run, 'FAILED');
    expect(await status('bad')).toMatchObject({ code: 1, document: { outcome: 'failed', exitCode: 7 } });
  });

  it('finds the job of a run whose submission was cut short', async () => {
    const run = await submit('cut-short', { state: 'submitting', jobId: null }, ['--hold']);
    expect(await status('cut-short')).toMatchObject({
      code: 0,
      document: { jobId: run.jobId, state: 'PENDING', reason: 'JobHeldUser' },
    });
    expect((await sandbox.opsctl(['cancel', 'cut-short'])).stdout).toContain('is CANCELLED');
  });

  it('says "unknown" of a job that Slurm knows nothing of', async () => {
    expect(await status('999999')).toMatchObject({ code: 3, document: { state: 'UNKNOWN' } });
    expect((await sandbox.opsctl(['cancel', '999999'])).code).toBe(3);
  });

  it('shows one rank, one node, and the output of a job that it did not submit', async () => {
    expect((await sandbox.opsctl(['logs', 'good', '--rank', '3'])).stdout).toBe(
      '[default1]:node 1 local 1 attempt 0\n',
    );
    expect((await sandbox.opsctl(['logs', 'good', '--node', 'gnode01', '--lines', '1'])).stdout).toBe(
      '[default0]:end of attempt 0\n',
    );
    const output = join(sandbox.root, 'foreign out.txt');
    const job = await sandbox.slurm([
      'sbatch',
      '--parsable',
      `--output=${output}`,
      '--mem=100M',
      '--wrap',
      'printf "\\033[31mred\\n"',
    ]);
    const foreign = job.stdout.trim();
    await until('foreign output', async () => (await sandbox.opsctl(['logs', foreign])).stdout === 'red\n');
    expect((await sandbox.opsctl(['logs', foreign, '--raw'])).stdout).toBe('\u001b[31mred\n');
  });

  it('follows a run over a requeue until its end, and Ctrl-C ends following quietly', async () => {
    const run = await submit('again');
    await until('log', async () => (await sandbox.opsctl(['logs', 'again'])).stdout.includes('step=10'));
    const follower = start(['logs', '-f', 'again']);
    const other = start(['logs', '-f', 'again', '--rank', '0']);
    await until(
      'both follow',
      () => follower.out().includes('attempt 0') && other.out().includes('attempt 0'),
    );
    other.child.kill('SIGINT');
    expect(await other.ended).toBe(130);
    expect(other.err()).toBe('');

    await sandbox.slurm(['scontrol', 'requeue', run.jobId]);
    // Slurm sets the start of a requeued job when the attempt has ended; one set before that would be lost.
    await until('it waits', async () =>
      (await sandbox.slurm(['scontrol', 'show', 'job', run.jobId])).stdout.includes('Reason=BeginTime'),
    );
    const sooner = ['scontrol', 'update', `JobId=${run.jobId}`, 'StartTime=now+2seconds'];
    expect(await sandbox.slurm(sooner)).toMatchObject({ code: 0 });
    await until('second attempt', () => follower.out().includes('attempt 1'), 60_000);
    run.end(0);
    expect(await follower.ended).toBe(0);
    expect(follower.out()).toContain('end of attempt 1');
    expect((await status('again')).document.attempts).toMatchObject([
      { attempt: 0, exitCode: 143 },
      { attempt: 1, exitCode: 0 },
    ]);
  });

  it('cancels a run, and says so when there is nothing left to cancel', async () => {
    const run = await submit('unwanted');
    await stateIs(run, 'RUNNING');
    const cancelled = await sandbox.opsctl(['cancel', 'unwanted', '--json']);
    expect(JSON.parse(cancelled.stdout)).toMatchObject({
      runId: 'unwanted',
      jobId: run.jobId,
      before: 'RUNNING',
      after: expect.stringMatching(/CANCELLED|COMPLETING/),
    });
    expect(cancelled.code).toBe(0);
    await stateIs(run, 'CANCELLED');
    const again = await sandbox.opsctl(['cancel', 'unwanted']);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('had ended before') });
  });

  it("takes a job id for this cluster's job, though a run of another cluster had the same", async () => {
    const wrap = ['sbatch', '--parsable', '--mem=100M', '--output=/dev/null', '--wrap', 'sleep 100'];
    const jobId = (await sandbox.slurm(wrap)).stdout.trim();
    const home = join(sandbox.env.OPSCTL_HOME ?? '', 'runs', 'elsewhere');
    const outputDir = join(sandbox.root, 'elsewhere');
    for (const directory of [home, outputDir]) mkdirSync(directory, { recursive: true });
    const had = { runId: 'elsewhere', jobId, cluster: 'other', user: userInfo().username, outputDir };
    writeFileSync(join(home, 'manifest.json'), JSON.stringify(manifest({ ...had, ended: 'FAILED' })));
    expect((await status('elsewhere')).document).toMatchObject({ state: 'FAILED', jobId });
    expect((await status(jobId)).document).toMatchObject({ runId: null, jobId, outcome: 'active' });
    const cancelled = await sandbox.opsctl(['cancel', jobId, '--json']);
    expect(JSON.parse(cancelled.stdout)).toMatchObject({ runId: null, jobId });
    await until('its end', async () => (await status(jobId)).document.state === 'CANCELLED');
  });

  it('answers in under ten seconds with what the files say when Slurm is down', async () => {
    const run = await submit('orphan');
    await stateIs(run, 'RUNNING');
    await sandbox.slurm(['scontrol', 'shutdown', 'controller']);
    await until('controller down', async () =>
      (await sandbox.slurm(['scontrol', 'ping'])).stdout.includes('DOWN'),
    );
    const began = Date.now();
    const { code, document, stderr } = await status('orphan');
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(code).toBe(75);
    expect(document).toMatchObject({
      state: 'UNKNOWN',
      jobId: run.jobId,
      attempts: [{ attempt: 0, endedAt: null }],
    });
    expect(stderr).toContain('warning:');
    expect((await sandbox.opsctl(['logs', 'orphan'])).stdout).toContain('attempt 0');
    expect((await sandbox.opsctl(['cancel', 'orphan'])).code).toBe(75);
    run.end(0);
  });
});

/** Starts opsctl without waiting for its end. */
function start(argv: readonly string[]) {
  const child = spawn(OPSCTL, argv, { env: { ...process.env, ...sandbox.env }, cwd: sandbox.root });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => (output.stdout += bytes));
  child.stderr.on('data', (bytes) => (output.stderr += bytes));
  return {
    child,
    out: () => output.stdout,
    err: () => output.stderr,
    ended: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
}
