import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** The rendered script's parts that look at checkpoints and decide about a requeue, without the training between. */
const script = readFileSync('test/golden/sft-example.sbatch', 'utf8');
const from = script.indexOf('# --- Checkpoints.');
const to = script.indexOf('# --- The environment of the nodes');
const parts = script.slice(from, to);

/** What `scontrol --oneliner show job` of Slurm 22.05 prints, as far as the script reads it; it notes each other call. */
const SCONTROL = `#!/bin/bash
case "$*" in
  *"show job"*) echo "JobId=\${!#} JobName=run JobState=$FAKE_STATE Reason=None Restarts=0 PreemptTime=$FAKE_PREEMPT EndTime=2026-11-25T09:00:00" ;;
  *) echo "$*" >>"$RUN_DIR/scontrol.calls" ;;
esac
`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'opsctl-requeue-'));
  for (const name of ['attempts', 'checkpoints', 'attempt', 'bin']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'bin', 'scontrol'), SCONTROL, { mode: 0o755 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Lets the script settle an attempt that a preemption stopped. */
function settle(more: { env?: Record<string, string>; path?: string; meanwhile?: string } = {}) {
  const program = [
    'set -euo pipefail',
    'attempt=0 end_reason= requeued=false newest_step=-1',
    'record_attempt() { :; }',
    'trap : TERM',
    parts,
    'touch "$ATTEMPT_DIR/stopped"',
    more.meanwhile ?? '',
    'settle 75',
    'echo "code=$code reason=$end_reason requeued=$requeued"',
  ].join('\n');
  const result = spawnSync('/bin/bash', ['-c', program], {
    encoding: 'utf8',
    env: {
      PATH: more.path ?? `${join(dir, 'bin')}:/usr/bin:/bin`,
      RUN_DIR: dir,
      ATTEMPT_DIR: join(dir, 'attempt'),
      SLURM_JOB_ID: '7',
      SLURMD_NODENAME: 'gnode01',
      FAKE_STATE: 'RUNNING',
      FAKE_PREEMPT: '2026-11-25T08:00:00',
      ...more.env,
    },
  });
  const calls = join(dir, 'scontrol.calls');
  return {
    said: result.stdout + result.stderr,
    calls: spawnSync('cat', [calls], { encoding: 'utf8' }).stdout.trim(),
  };
}

/** A complete checkpoint as the example trainer writes it. */
function checkpoint(step: number, last: number): string {
  const path = `"$RUN_DIR/checkpoints/checkpoint-${step}"`;
  return `mkdir ${path}; printf '{\\n "global_step": ${step},\\n "max_steps": ${last}\\n}\\n' >${path}/trainer_state.json`;
}

describe('a training that a preemption has stopped', () => {
  it('is requeued', () => {
    const { said, calls } = settle({ meanwhile: checkpoint(8, 32) });
    expect(said).toContain('code=75 reason=preempted requeued=true');
    expect(calls).toBe('requeue 7');
  });

  it('is requeued as the one task of its array, never as the whole array', () => {
    const { calls } = settle({ env: { SLURM_ARRAY_JOB_ID: '40', SLURM_ARRAY_TASK_ID: '3' } });
    expect(calls).toBe('requeue 40_3');
  });

  it('is not requeued when its restarts in a row brought no newer checkpoint', () => {
    writeFileSync(join(dir, 'attempts', 'budget'), '2 -1\n');
    const { said, calls } = settle({ env: { SLURM_RESTART_COUNT: '3' } });
    expect(said).toContain('3 restarts in a row brought no newer checkpoint');
    expect(said).toContain('requeued=false');
    expect(calls).toBe('');
  });

  it('has its whole budget again once an attempt got further', () => {
    writeFileSync(join(dir, 'attempts', 'budget'), '2 -1\n');
    const { calls } = settle({ env: { SLURM_RESTART_COUNT: '3' }, meanwhile: checkpoint(8, 32) });
    expect(calls).toBe('requeue 7');
  });

  it('says what to type where the node has no scontrol', () => {
    rmSync(join(dir, 'bin', 'scontrol'));
    const tools = ['sed', 'head', 'date', 'mv', 'touch', 'timeout', 'mkdir'];
    for (const tool of tools) spawnSync('ln', ['-s', `/usr/bin/${tool}`, join(dir, 'bin', tool)]);
    const env = { SLURM_JOB_END_TIME: '1' };
    const { said } = settle({ path: join(dir, 'bin'), env });
    expect(said).toContain('there is no scontrol on gnode01. From the login node: scontrol requeue 7');
    expect(said).toContain('requeued=false');
  });

  it('has finished when its last step was done in the grace time: nothing is requeued', () => {
    const { said, calls } = settle({ meanwhile: checkpoint(32, 32) });
    expect(said).toContain('code=0 reason=finished requeued=false');
    expect(calls).toBe('');
  });

  it('stays cancelled when it was cancelled', () => {
    const { said, calls } = settle({ env: { FAKE_STATE: 'CANCELLED' } });
    expect(said).toContain('reason=cancelled requeued=false');
    expect(calls).toBe('');
  });
});
