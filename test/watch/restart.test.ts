import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { watchSchema } from '../../src/config/watch-schema.ts';
import { takeLease } from '../../src/system/lease.ts';
import type { System } from '../../src/system/system.ts';
import { ask } from '../../src/watch/ask.ts';
import { readMemory, watchDirectory } from '../../src/watch/memory.ts';
import { tick } from '../../src/watch/tick.ts';
import { type Scenario, scenario, systemOf } from '../remedy/scenario.ts';

/** When every job of the stand-in ends. */
const ENDED = 1_795_500_000 + 600;
const LOG = 'test/fixtures/faults/port-in-use.log';

const WATCH = watchSchema.parse({ hang_floor: '0:01:00', hang_ceiling: '0:02:00' });

/** One look so many seconds after the end, where runs may be put back whose port was taken, that stand still or lost a node. */
async function lookAt(at: Scenario, seconds: number, level: 'L1' | 'L2' = 'L2') {
  const { system, slurm } = systemOf(at, new Date((ENDED + seconds) * 1000));
  // What is no Slurm is not there.
  const exec: System['exec'] = async (argv, options) =>
    ['df', 'quota'].includes(argv[0] ?? '')
      ? { argv, code: 127, stdout: '', stderr: '', timedOut: false, missing: true }
      : system.exec(argv, options);
  const here = { ...system, exec };
  const automation = {
    ...EMPTY_PROFILE.automation,
    faults: { 'port-in-use': level, hang: level, 'node-fail': level },
  };
  const profile = { ...EMPTY_PROFILE, automation, watch: WATCH };
  const lease = await takeLease(here, watchDirectory(here.env), 'watches');
  const result = await tick(here, { profile, choice: {}, lease }, await ask(here, profile));
  await lease.release();
  return { ...result, slurm, run: (await readMemory(here)).runs.get('tiny-run') };
}

async function failed(): Promise<Scenario> {
  const at = await scenario('failed');
  onTestFinished(() => rmSync(at.root, { recursive: true, force: true }));
  writeFileSync(join(at.run.outputDir, 'logs', 'job.log'), readFileSync(LOG));
  return at;
}

it('puts a run back whose port was taken, when its time has come: once, and it says what it waits for', async () => {
  const at = await failed();
  const first = await lookAt(at, 20);
  expect(first.actions).toMatchObject([
    { fault: 'port-in-use', waits: true, held: expect.stringContaining('requeue: restart 1 not before') },
  ]);
  expect((await lookAt(at, 50)).actions).toEqual([]);
  expect(first.slurm.jobs()[0]?.restarts).toBe(0);
  const then = await lookAt(at, 80);
  expect(then.actions).toMatchObject([{ waits: false, steps: [{ action: 'requeue', result: 'done' }] }]);
  expect(then.run?.waiting).toBeUndefined();
  expect(then.run?.trouble?.alert.evidence[0]?.text).toContain('done: requeue: scontrol requeue 12');
  expect((await lookAt(at, 140)).actions).toEqual([]);
  expect(then.slurm.jobs()[0]?.restarts).toBe(1);
});

it('leaves a run alone that somebody else has put back meanwhile', async () => {
  const at = await failed();
  expect((await lookAt(at, 20)).run?.waiting).toBeDefined();
  const { slurm } = systemOf(at);
  slurm.happens({ kind: 'requeue', jobId: '12' });
  const then = await lookAt(at, 80);
  expect([then.actions, then.run?.waiting]).toEqual([[], undefined]);
  expect(slurm.jobs()[0]?.restarts).toBe(1);
});

it('only tells of a run that stands still at L1; at L2 asks its processes, and then puts it back, once', async () => {
  const at = await scenario('running');
  onTestFinished(() => rmSync(at.root, { recursive: true, force: true }));
  const log = join(at.run.outputDir, 'logs', 'job.log');
  // Those of the scenario are younger than the looks here.
  rmSync(join(at.run.outputDir, 'checkpoints'), { recursive: true });
  writeFileSync(log, 'step 5 loss 1.0\n');
  utimesSync(log, ENDED - 500, ENDED - 500);
  // One look may have met a slow file system.
  expect((await lookAt(at, 0, 'L1')).alerts).toEqual([]);
  const told = await lookAt(at, 60, 'L1');
  const steps = (result: string) => ['collect-evidence', 'requeue'].map((action) => ({ action, result }));
  expect(told.alerts).toMatchObject([{ fault: 'hang', runs: ['tiny-run'] }]);
  expect(told.actions).toMatchObject([{ fault: 'hang', level: 1, waits: false, steps: steps('proposed') }]);
  expect((await lookAt(at, 120, 'L1')).actions).toEqual([]);
  expect(existsSync(join(at.run.outputDir, 'evidence'))).toBe(false);
  const acted = await lookAt(at, 180);
  expect(acted.actions).toMatchObject([{ fault: 'hang', level: 2, steps: steps('done') }]);
  expect(acted.slurm.events().map(({ kind }) => kind)).toEqual(['submit', 'start', 'evidence', 'requeue']);
  expect((await lookAt(at, 240)).actions).toEqual([]);
  expect(acted.slurm.jobs()[0]?.restarts).toBe(1);
});

/** A run that a look has seen on its nodes, of which the one with its batch script died: Slurm put the job back by itself. */
async function putBackBySlurm(reason: string | null): Promise<Scenario> {
  const at = await scenario('running');
  onTestFinished(() => rmSync(at.root, { recursive: true, force: true }));
  mkdirSync(join(at.run.outputDir, 'attempts'));
  const startedAt = new Date((ENDED - 600) * 1000).toISOString();
  const attempt = {
    attempt: 0,
    jobId: '12',
    nodes: ['gnode01', 'gnode02'],
    startedAt,
    endedAt: null,
    reason,
  };
  writeFileSync(join(at.run.outputDir, 'attempts', '0.json'), JSON.stringify(attempt));
  writeFileSync(join(at.run.outputDir, 'logs', 'job.log'), 'step 5 loss 1.0\n');
  await lookAt(at, -300);
  const { slurm } = systemOf(at);
  slurm.happens({ kind: 'node', node: 'gnode01', state: 'down*', reason: 'Not responding' });
  slurm.happens({ kind: 'requeue', jobId: '12' });
  return at;
}

it('leaves out the node that is gone when Slurm put the job back and keeps no record of why', async () => {
  const { actions, alerts, slurm } = await lookAt(await putBackBySlurm(null), 0);
  expect(alerts).toMatchObject([{ fault: 'node-fail', nodes: ['gnode01'], runs: ['tiny-run'] }]);
  expect(actions).toMatchObject([
    { fault: 'node-fail', level: 2, steps: [{ action: 'exclude-node', result: 'done' }] },
  ]);
  expect(slurm.jobs()[0]).toMatchObject({ excluded: 'gnode01', restarts: 1 });
});

it('does not blame a node that is gone for an attempt that ended by plan', async () => {
  const { actions, alerts } = await lookAt(await putBackBySlurm('preempted'), 0);
  expect(actions).toEqual([]);
  expect(alerts).toMatchObject([{ fault: 'requeued', nodes: [] }]);
});
