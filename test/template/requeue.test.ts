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

/** What Slurm 22.05 said to a job's own script when its signal came, by who had sent it. */
const recorded = readFileSync('test/fixtures/slurm/22.05/scontrol-stopped.txt', 'utf8');

/** @param endsIn seconds from now to the end that Slurm has in mind, for a job that still runs. */
function slurmSays(what: string, endsIn?: number): string {
  const at = recorded.indexOf(`# ${what}\n`);
  expect(at, what).not.toBe(-1);
  const line = recorded.slice(at).split('\n')[1] ?? '';
  if (endsIn === undefined) return line;
  return line.replace(/ EndTime=\d+/, ` EndTime=${Math.floor(Date.now() / 1000) + endsIn}`);
}

/** Says what was recorded, to whoever asks for seconds since 1970, and notes each other call. */
const SCONTROL = `#!/bin/bash
case "$SLURM_TIME_FORMAT $*" in
  "%s --oneliner show job"*) printf '%s\\n' "$FAKE_SAYS" ;;
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

/** Lets the script settle an attempt that was stopped; by a preemption, unless Slurm says something else. */
function settle(
  more: {
    says?: string;
    env?: Record<string, string>;
    path?: string;
    meanwhile?: string;
    stopped?: false;
  } = {},
) {
  const program = [
    'set -euo pipefail',
    'attempt=0 end_reason= requeued=false newest_step=-1',
    'record_attempt() { echo "recorded $2 $end_reason"; }',
    'trap : TERM',
    parts,
    more.stopped === false ? '' : 'touch "$ATTEMPT_DIR/stopped"',
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
      FAKE_SAYS: more.says ?? slurmSays('preempted, in its time of grace'),
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
});

describe('who has stopped a training', () => {
  it.each([
    ['scancel', undefined, 'reason=cancelled requeued=false', 'cancelled: not requeued'],
    ['scancel of a job that was suspended and whose limit was raised', undefined, 'cancelled', ''],
    ['running', 3600, 'reason=signal requeued=false', 'neither from the time limit nor from a preemption'],
    ['time limit reached', undefined, 'reason=time-limit requeued=false', 'is COMPLETING'],
    ['preempted and cancelled, no time of grace', undefined, 'reason=preempted requeued=false', ''],
    ['preempted and requeued, its grace over', undefined, 'reason=signal requeued=true', 'Slurm itself has'],
    ['scontrol requeue', undefined, 'reason=signal requeued=true', 'Slurm itself has requeued job 7'],
    ['a node lost, --no-requeue', undefined, 'reason=signal requeued=false', ''],
  ])('is known after "%s", and nothing is requeued that should not be', (what, endsIn, end, words) => {
    const { said, calls } = settle({ says: slurmSays(what, endsIn) });
    expect(said).toContain(end);
    expect(said).toContain(words);
    expect(calls).toBe('');
  });

  it('is the time limit when its signal came as early as Slurm sends it: requeued', () => {
    const { said, calls } = settle({ says: slurmSays('time limit, the signal ahead of it', 140) });
    expect(said).toContain('reason=time-limit requeued=true');
    expect(calls).toBe('requeue 7');
  });

  it('is the owner, also when the job is cancelled within that time', () => {
    const { said } = settle({
      says: slurmSays('scancel').replace('TimeLimit=01:00:00', 'TimeLimit=00:01:00'),
    });
    expect(said).toContain('reason=cancelled requeued=false');
    expect(said).not.toContain('scontrol requeue');
  });

  it('is written down as soon as Slurm ends the job: the script may be killed before the step has ended', () => {
    const meanwhile = 'kill -TERM $$; echo "still alive"';
    const { said } = settle({ says: slurmSays('scancel'), stopped: false, meanwhile });
    expect(said).toMatch(/recorded 75 cancelled\nstill alive\ncancelled: not requeued\n/);
  });

  it('is asked when srun fails before the signal comes', () => {
    const { said } = settle({ says: slurmSays('scancel'), stopped: false });
    expect(said).toContain('code=75 reason=cancelled requeued=false');
  });

  it.each([
    ['Slurm still runs the job', 'running', ''],
    ['a node had said that it failed', 'scancel', 'touch "$ATTEMPT_DIR/failed"'],
  ])('is nobody when srun fails and %s: it is a failure', (_, what, meanwhile) => {
    const { said } = settle({ says: slurmSays(what), stopped: false, meanwhile });
    expect(said).toContain('code=75 reason= requeued=false');
  });

  it('is nobody in particular when Slurm does not answer, whatever the time of day', () => {
    const { said, calls } = settle({ says: '' });
    expect(said).toContain('reason=signal requeued=false');
    expect(calls).toBe('');
  });

  it('is not the owner when a job that was requeued before is stopped by its time limit', () => {
    const says = slurmSays('time limit, the signal ahead of it', 60).replace('Restarts=0', 'Restarts=2');
    expect(settle({ says, env: { SLURM_RESTART_COUNT: '2' } }).said).toContain(
      'reason=time-limit requeued=true',
    );
  });
});
