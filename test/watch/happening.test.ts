import { describe, expect, it } from 'vitest';
import { happening } from '../../src/watch/happening.ts';
import { byName, jobOf } from '../../src/watch/runs.ts';
import { job } from '../run/known.ts';
import { effort } from '../support/effort.ts';
import { memoryOf } from './support.ts';

/** 10,000 seconds after the first of all. */
const NOW = new Date(10_000_000);
const run = memoryOf({ jobId: '12', startTime: 1_000 });

describe('what became of a run', () => {
  it('is nothing while the same attempt runs, completes or is suspended', () => {
    for (const state of ['RUNNING', 'COMPLETING', 'SUSPENDED'])
      expect(happening(run, job({ state, startTime: 1_000 }), undefined, NOW)).toEqual({ kind: 'none' });
  });

  it('is a requeue when the job waits again, and when it runs anew already', () => {
    const attempt = '12@1000';
    expect(happening(run, job({ state: 'PENDING' }), undefined, NOW)).toEqual({ kind: 'requeued', attempt });
    expect(happening(run, job({ startTime: 2_000 }), undefined, NOW)).toEqual({ kind: 'requeued', attempt });
  });

  it('is nothing yet while Slurm ends the attempt and shows a start that moves on', () => {
    expect(happening(run, job({ state: 'COMPLETING', startTime: 1_500 }), undefined, NOW).kind).toBe('none');
  });

  it('is told once', () => {
    expect(happening({ ...run, handled: '12@1000' }, job({ state: 'PENDING' }), undefined, NOW).kind).toBe(
      'none',
    );
    const failed = job({ state: 'FAILED', startTime: 1_000 });
    expect(happening(run, failed, undefined, NOW).kind).toBe('ended');
    expect(happening({ ...run, handled: '12@1000' }, failed, undefined, NOW).kind).toBe('none');
  });

  it('is an end by the word of accounting when the controller has forgotten the job', () => {
    const record = job({ source: 'sacct', state: 'NODE_FAIL', startTime: 1_000 });
    expect(happening(run, undefined, record, NOW)).toEqual({
      kind: 'ended',
      attempt: '12@1000',
      job: record,
    });
  });

  it('is nothing when nobody knows the job: not seen is not ended', () => {
    expect(happening(run, undefined, undefined, NOW).kind).toBe('none');
  });

  it('is no news that was written down before the watcher came, unless it has only just happened', () => {
    const old = memoryOf({ startTime: null, over: 'FAILED' });
    const end = (endTime: number | null) =>
      happening(old, job({ state: 'FAILED', startTime: 1_000, endTime }), undefined, NOW).kind;
    expect(end(9_000)).toBe('none');
    expect(end(null)).toBe('none');
    expect(end(9_900)).toBe('ended');
  });

  it('is no requeue when another job runs under the name', () => {
    expect(happening(run, job({ jobId: '13', startTime: 2_000 }), undefined, NOW).kind).toBe('none');
  });
});

describe('the job of a run', () => {
  it('is the one that lives, then the newest', () => {
    const jobs = [job({ rawId: '15', jobId: '15', state: 'FAILED' }), job({ rawId: '14', jobId: '14' })];
    expect(jobOf(run, byName(jobs))?.jobId).toBe('14');
    expect(jobOf(run, byName(jobs.slice(0, 1)))?.jobId).toBe('15');
  });

  it('is its own task of an array', () => {
    const tasks = ['12_1', '12_2', '12_[3-9]'].map((jobId, index) =>
      job({ jobId, rawId: String(12 + index) }),
    );
    expect(jobOf({ ...run, task: 2 }, byName(tasks))?.jobId).toBe('12_2');
    expect(jobOf({ ...run, task: 7 }, byName(tasks))?.jobId).toBe('12_[3-9]');
    expect(jobOf({ ...run, task: 11 }, byName(tasks))).toBeUndefined();
  });

  it('is found in a sweep of ten thousand tasks as quickly as in a small one', () => {
    const tasks = Array.from({ length: 10_000 }, (_, task) =>
      job({ jobId: `12_${task}`, rawId: String(task) }),
    );
    const index = byName(tasks);
    const found: (string | undefined)[] = [];
    // One look for each of them at all the others took half a minute.
    expect(
      effort(() => {
        for (let task = 0; task < tasks.length; task++) found.push(jobOf({ ...run, task }, index)?.jobId);
      }),
    ).toBeLessThan(3_000);
    expect(found).toEqual(tasks.map(({ jobId }) => jobId));
  });
});
