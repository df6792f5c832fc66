import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exitCodeOf } from '../../src/commands/watch-text.ts';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { documentOf } from '../../src/watch/document.ts';
import { readMemory } from '../../src/watch/memory.ts';
import type { Tick } from '../../src/watch/tick.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import {
  BEGAN,
  DISABLED,
  lookAt,
  NODES,
  type Place,
  place,
  queued,
  SPACE,
  submitted,
  USER,
  WELL,
} from './look-at.ts';

const firing = ({ alerts }: Tick) =>
  alerts.filter(({ state }) => state === 'firing').map(({ fault }) => fault);
const beat = ({ home }: Place) => readFile(join(home, 'watch', 'beat.json'), 'utf8').catch(() => null);

it('sees a run move with one squeue, one sinfo and one sacct, and reads each line of its log once', async () => {
  const here = await place();
  await submitted(here);
  const log = join(here.outputDir, 'logs', 'job.log');
  await writeFile(
    log,
    'step=1/200 epoch=0.1 loss=2.1 lr=1e-4 grad_norm=0.9 tokens_per_second=400 tgs=100 samples_seen=8\n',
  );
  const first = await lookAt(here, WELL, 60);
  expect(first.calls.filter((program) => /^s/.test(program)).sort()).toEqual(['sacct', 'sinfo', 'squeue']);
  expect(documentOf(first)).toMatchObject({
    tick: 1,
    runs: [{ runId: 'sft-tiny', state: 'RUNNING', step: 1, tgs: 100 }],
    alerts: [],
    slurmCalls: 3,
  });
  await writeFile(
    log,
    'step=2/200 epoch=0.1 loss=1.9 lr=1e-4 grad_norm=0.9 tokens_per_second=400 tgs=90 samples_seen=16\n',
    { flag: 'a' },
  );
  // A cluster that keeps no accounting is not asked for it again.
  const { sacct: _, ...without } = WELL;
  const second = await lookAt(here, without, 120);
  expect(second.slurmCalls).toBe(2);
  expect(second.runs[0]?.memory.progress).toMatchObject({ step: 2, losses: [2.1, 1.9], speeds: [100, 90] });
  expect(exitCodeOf(second)).toBe(0);
});

it('concludes nothing, resolves nothing and gives no sign of life when squeue fails', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  const { sacct: _, ...known } = { ...WELL, sinfo: NODES.replace('gnode02|allocated', 'gnode02|down*') };
  expect(firing(await lookAt(here, known, 120))).toEqual(['node-fail']);
  const sign = await beat(here);
  const down = {
    squeue: {
      code: 1,
      stderr: 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)',
    },
    sinfo: NODES,
    ...SPACE,
  };
  const memory = await readMemory(fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: here.home } }));
  const blind = await lookAt(here, down, 7200);
  expect(blind).toMatchObject({ blind: true, actions: [], runs: [] });
  expect(firing(blind)).toEqual(['node-fail']);
  expect(exitCodeOf(blind)).toBe(75);
  expect(await beat(here)).toBe(sign);
  expect(await readMemory(fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: here.home } }))).toEqual(
    memory,
  );
});

it('leaves none of many runs that fail at once: what a look has no time for is still asked of accounting at the next', async () => {
  const here = await place();
  const ids = ['run-0', 'run-1', 'run-2', 'run-3', 'run-4', 'run-5'];
  for (const [index, runId] of ids.entries()) {
    const outputDir = join(here.root, 'runs', runId);
    await submitted({ ...here, outputDir }, { runId, jobId: String(20 + index) });
  }
  const all = (over: Record<string, string | number>) =>
    ids.map((name, index) => queued({ rawId: 20 + index, jobId: 20 + index, name, ...over })).join('');
  const read = () => readMemory(fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: here.home } }));
  await lookAt(here, { squeue: all({}), sinfo: NODES, sacct: '', ...SPACE }, 60);
  expect((await read()).accountedAt).toBe(BEGAN + 60);
  const failed = { squeue: all({ state: 'FAILED', end: BEGAN + 100 }), sinfo: NODES, sacct: '', ...SPACE };
  await lookAt(here, failed, 120, EMPTY_PROFILE, 6);
  const left = [...(await read()).runs.values()].filter(({ over }) => over === null).length;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(ids.length);
  expect((await read()).accountedAt).toBe(BEGAN + 60);
  const told = await lookAt(here, failed, 240);
  expect([...(await read()).runs.values()].filter(({ over }) => over === null)).toEqual([]);
  expect((await read()).accountedAt).toBe(BEGAN + 240);
  expect(new Set(told.alerts.flatMap(({ runs }) => runs))).toEqual(new Set(ids));
});

it('takes an empty queue for no answer while a run was alive a moment ago', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  expect((await lookAt(here, { squeue: '', sinfo: NODES, ...SPACE }, 120)).blind).toBe(true);
});

it('diagnoses a run that was put back into the queue, once, and does nothing at the level of a new profile', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  await writeFile(join(here.outputDir, 'logs', 'job.log'), 'srun: error: Node failure on gnode02\n');
  const again = queued({ state: 'PENDING', reason: 'BeginTime', hosts: '', start: 'N/A' });
  const shown = `JobId=12 JobName=sft-tiny\n   UserId=${USER}(0) GroupId=x(0)\n   Requeue=1 Restarts=1\n   WorkDir=/\n   StdOut=/x\n`;
  const stubs = { squeue: again, sinfo: NODES, ...SPACE };
  const seen = await lookAt(here, { ...stubs, sacct: DISABLED, 'scontrol show job': shown }, 120);
  expect(seen.alerts).toMatchObject([
    { fault: 'node-fail', state: 'firing', severity: 'warning', runs: ['sft-tiny'] },
  ]);
  expect(seen.actions).toMatchObject([{ runId: 'sft-tiny', fault: 'node-fail', level: 1 }]);
  expect(seen.actions[0]?.steps.every(({ result }) => result === 'proposed')).toBe(true);
  expect(seen.calls).not.toContain('sbatch');
  const next = await lookAt(here, stubs, 180);
  expect(next.actions).toEqual([]);
  expect(firing(next)).toEqual(['node-fail']);
});

it('resolves what a run died of once the next attempt has come further', async () => {
  const here = await place();
  await submitted(here);
  const log = join(here.outputDir, 'logs', 'job.log');
  await lookAt(here, WELL, 60);
  await writeFile(log, 'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n');
  const failed = {
    squeue: queued({ state: 'FAILED' }),
    sinfo: NODES,
    sacct: DISABLED,
    'scontrol show job': { code: 1 },
    ...SPACE,
  };
  const seen = await lookAt(here, failed, 120);
  expect(seen.alerts).toMatchObject([{ fault: 'cuda-oom', severity: 'critical' }]);
  expect(exitCodeOf(seen)).toBe(2);
  await writeFile(
    log,
    'step=9/200 epoch=0.1 loss=2.1 lr=1e-4 grad_norm=0.9 tokens_per_second=400 tgs=100 samples_seen=8\n',
    { flag: 'a' },
  );
  const rerun = { squeue: queued({ jobId: 13, rawId: 13, start: BEGAN + 200 }), sinfo: NODES, ...SPACE };
  expect((await lookAt(here, rerun, 300)).runs[0]?.memory.trouble).toBeNull();
  expect(firing(await lookAt(here, rerun, 900))).toEqual([]);
});

it('forgets a run whose directory was taken away, and passes over one whose manifest is no JSON', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  await writeFile(join(here.home, 'runs', 'sft-tiny', 'manifest.json'), '{"half');
  await mkdir(join(here.home, 'runs', 'other'), { recursive: true });
  const { sacct: _, ...without } = WELL;
  expect((await lookAt(here, without, 120)).runs).toHaveLength(1);
  await rm(join(here.home, 'runs', 'sft-tiny'), { recursive: true });
  const { df: __, quota: ___, ...alone } = without;
  expect((await lookAt(here, { ...alone, squeue: queued() }, 180)).runs).toEqual([]);
});

it('says when the policy has a level for a fault that is none', async () => {
  const automation = { ...EMPTY_PROFILE.automation, faults: { 'node-fial': 'L2', hang: 'L2' } as const };
  const { notes } = await lookAt(await place(), { squeue: '', sinfo: NODES, sacct: DISABLED }, 100, {
    ...EMPTY_PROFILE,
    automation,
  });
  expect(notes).toEqual(['automation.faults names node-fial, which is no fault. Did you mean "node-fail"?']);
});

it('doubts an empty queue while a run was alive, but not for ever: then it says whose end nobody knows', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  const { sacct: _, ...gone } = { ...WELL, squeue: '' };
  for (const seconds of [120, 600, 960]) expect((await lookAt(here, gone, seconds)).blind).toBe(true);
  const believed = await lookAt(here, gone, 1100);
  expect(believed).toMatchObject({ blind: false, actions: [] });
  expect(believed.notes.join()).toContain('Slurm knows nothing any more of sft-tiny');
  const after = await lookAt(here, gone, 1160);
  expect([after.blind, after.notes]).toEqual([false, []]);
});

it('begins to doubt anew when Slurm was away meanwhile: it may have come back with nothing', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  const { sacct: _, ...gone } = { ...WELL, squeue: '' };
  const away = {
    code: 1,
    stderr: 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)',
  };
  for (const [queue, seconds] of [
    [gone, 120],
    [{ ...gone, squeue: away }, 900],
    [gone, 1200],
    [gone, 1800],
  ] as const)
    expect((await lookAt(here, queue, seconds)).blind).toBe(true);
  expect((await lookAt(here, gone, 2200)).blind).toBe(false);
});

it('an empty queue that was doubted is forgotten when the job is there again', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  const { sacct: _, ...known } = WELL;
  expect((await lookAt(here, { ...known, squeue: '' }, 120)).blind).toBe(true);
  expect((await lookAt(here, known, 180)).blind).toBe(false);
  expect((await lookAt(here, { ...known, squeue: '' }, 1200)).blind).toBe(true);
});

it('writes its memory only when something is new, and goes on from the sign of a look that found nothing', async () => {
  const here = await place();
  await submitted(here);
  const memory = join(here.home, 'watch', 'memory.json');
  const waits = queued({ state: 'PENDING', reason: 'Priority', hosts: '', start: 'N/A' });
  // With accounting that knows of nothing: what is asked of it begins at the last look.
  const stubs = { ...WELL, squeue: waits, sacct: '' };
  await lookAt(here, stubs, 60);
  const first = await readFile(memory, 'utf8');
  const second = await lookAt(here, stubs, 120);
  expect([second.tick, await readFile(memory, 'utf8')]).toEqual([2, first]);
  const system = fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: here.home } });
  expect(await readMemory(system)).toMatchObject({ ticks: 2, accountedAt: BEGAN + 120 });
  expect((await lookAt(here, { ...stubs, squeue: queued() }, 180)).tick).toBe(3);
  expect(await readFile(memory, 'utf8')).not.toBe(first);
});

it('takes a sign that somebody has damaged, or an earlier version has left, for none', async () => {
  const here = await place();
  await submitted(here);
  await lookAt(here, WELL, 60);
  const system = fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: here.home } });
  for (const sign of [
    '{"at":"2026-01-01T00:00:00Z"',
    '{"at":"2026-01-01T00:00:00Z","ticks":9,"accountedAt":"x"}',
    '[]',
    '',
  ]) {
    await writeFile(join(here.home, 'watch', 'beat.json'), sign);
    expect((await readMemory(system)).ticks).toBe(1);
  }
});
