import { mkdirSync, mkdtempSync, realpathSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../src/run/manifest.ts';
import type { System } from '../../src/system/system.ts';
import { manifest } from '../run/known.ts';
import { planOf } from '../support/plan.ts';
import { type StandIn, standIn } from './slurm-stand-in.ts';

/** Long after the stand-in's jobs have ended, so that no restart has to wait. */
export const LATER = new Date('2026-11-25T03:00:00Z');

export interface Scenario {
  readonly root: string;
  readonly home: string;
  readonly events: string;
  readonly shm: string;
  readonly run: Manifest;
}

export type Phase = 'failed' | 'running' | 'pending' | 'held';

/**
 * Run `tiny-run`, job 12, with checkpoints 100, 200 and 300 of which the oldest may go, and leftovers in /dev/shm; on a
 * Slurm that is a file.
 */
export async function scenario(phase: Phase): Promise<Scenario> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-remedy-'));
  const at = {
    root,
    home: join(root, 'state'),
    events: join(root, 'events.jsonl'),
    shm: join(root, 'shm'),
  };
  const values = {
    model: 'tiny',
    data: join(root, 'data'),
    output: root,
    name: 'tiny-run',
    nodes: 2,
    time: '30:00',
  };
  const plan = await planOf('example', { ...values, partition: 'gpu' });
  const run = manifest({
    runId: 'tiny-run',
    jobId: '12',
    user: userInfo().username,
    outputDir: plan.outputDir,
    script: plan.scriptPath,
    parameters: plan.parameters,
  });
  for (const directory of [at.shm, values.data, join(at.home, 'runs', 'tiny-run')])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const step of [100, 200, 300]) {
    const checkpoint = join(plan.outputDir, 'checkpoints', `checkpoint-${step}`);
    mkdirSync(checkpoint, { recursive: true });
    const state = join(checkpoint, 'trainer_state.json');
    writeFileSync(state, '{}');
    const time = LATER.getTime() / 1000 - 7200 + step;
    for (const path of [state, checkpoint]) utimesSync(path, time, time);
  }
  mkdirSync(join(plan.outputDir, 'logs'));
  writeFileSync(plan.scriptPath, plan.script);
  writeFileSync(join(at.home, 'runs', 'tiny-run', 'manifest.json'), JSON.stringify(run));
  writeFileSync(join(plan.outputDir, 'manifest.json'), JSON.stringify(run));
  for (const name of ['nccl-aaaa', 'nccl-bbbb']) writeFileSync(join(at.shm, name), '');
  const { happens } = standIn(at.events, at.shm);
  happens({ kind: 'submit', jobId: '12', name: 'tiny-run' });
  if (phase === 'held') happens({ kind: 'hold', jobId: '12' });
  if (phase === 'failed' || phase === 'running')
    happens({ kind: 'start', jobId: '12', nodes: 'gnode[01-02]' });
  if (phase === 'failed') happens({ kind: 'fail', jobId: '12' });
  return { ...at, run };
}

export function systemOf(
  { home, events, shm }: Scenario,
  now: Date = LATER,
): { system: System; slurm: StandIn } {
  const slurm = standIn(events, shm);
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', OPSCTL_HOME: home };
  return { slurm, system: { exec: slurm.exec, env, cwd: '/', now: () => now } };
}
