import { describe, expect, it } from 'vitest';
import { OpsError } from '../../src/errors.ts';
import { parseAttempt } from '../../src/run/attempts.ts';
import type { Attempt, Manifest } from '../../src/run/manifest.ts';
import type { SlurmView } from '../../src/run/slurm-view.ts';
import { judgeJob, judgeRun, reconcile } from '../../src/run/state.ts';
import { attempt, job, manifest } from './known.ts';

const NOW = new Date('2026-11-23T22:00:00Z');
const SILENT: SlurmView = {
  queue: undefined,
  accounting: undefined,
  failure: new OpsError('down', { exitCode: 75 }),
};
const view = (queue: SlurmView['queue'], accounting?: SlurmView['accounting']): SlurmView => ({
  queue,
  accounting,
  failure: undefined,
});
const judge = (from: SlurmView, attempts: readonly Attempt[] = []) =>
  judgeRun(manifest(), '12', attempts, from);

describe('the state of a run', () => {
  it('is what the controller says, with the exit code from accounting', () => {
    const ended = judge(
      view([job({ state: 'FAILED' })], [job({ source: 'sacct', state: 'FAILED', exitCode: 7 })]),
    );
    expect(ended).toMatchObject({ state: { word: 'FAILED' }, source: 'squeue', exitCode: 7 });
  });

  it('believes the controller when accounting lags behind', () => {
    const known = judge(view([job({ state: 'RUNNING' })], [job({ source: 'sacct', state: 'REQUEUED' })]));
    expect(known).toMatchObject({ state: { word: 'RUNNING' }, source: 'squeue' });
  });

  it('comes from accounting when the controller has forgotten the job', () => {
    const known = judge(view([], [job({ source: 'sacct', state: 'CANCELLED by 0' })]));
    expect(known).toMatchObject({ state: { word: 'CANCELLED', outcome: 'cancelled' }, source: 'sacct' });
  });

  it("does not believe accounting's RUNNING when the controller knows no such job", () => {
    const known = judge(view([], [job({ source: 'sacct', state: 'RUNNING' })]));
    expect(known.state.phase).toBe('unknown');
  });

  it("comes from the job's own record when nobody else knows", () => {
    expect(judge(view([], []), [attempt({ exitCode: 0 })])).toMatchObject({
      state: { word: 'COMPLETED' },
      source: 'attempt',
    });
    expect(judge(view([]), [attempt({ exitCode: 3 })])).toMatchObject({
      state: { word: 'FAILED' },
      exitCode: 3,
    });
  });

  it('is unknown, not failed, when squeue and sacct are empty and the job recorded no end', () => {
    expect(judge(view([], []))).toMatchObject({ state: { word: 'UNKNOWN' }, source: 'none' });
    expect(judge(view([], []), [attempt({ endedAt: null, exitCode: null })])).toMatchObject({
      state: { word: 'UNKNOWN', outcome: 'unknown' },
    });
  });

  it('is the end that Slurm once told of, rather than what an exit code could mean', () => {
    const stopped = attempt({ exitCode: 75, reason: 'signal' });
    const cancelled = manifest({ ended: 'CANCELLED', attempts: [stopped] });
    expect(judgeRun(cancelled, '12', [stopped], view([], []))).toMatchObject({
      state: { word: 'CANCELLED', outcome: 'cancelled' },
      source: 'manifest',
      exitCode: 75,
    });
  });

  it("is the job's own record when it was started again after the end that Slurm told of", () => {
    const first = attempt({ exitCode: 75, reason: 'time-limit' });
    const failed = manifest({ ended: 'FAILED', attempts: [first] });
    const again = [first, attempt({ attempt: 1, exitCode: 0 })];
    expect(judgeRun(failed, '12', again, view([]))).toMatchObject({
      state: { word: 'COMPLETED' },
      source: 'attempt',
    });
  });

  it('is CANCELLED when the script saw that, and nobody asked Slurm in time', () => {
    const known = judge(view([]), [attempt({ exitCode: 75, reason: 'cancelled' })]);
    expect(known).toMatchObject({ state: { word: 'CANCELLED', outcome: 'cancelled' }, source: 'attempt' });
  });

  it('is unknown while Slurm is silent, whatever the record says: the job may have been requeued', () => {
    const known = judge(SILENT, [attempt({ exitCode: 0 })]);
    expect(known).toMatchObject({ state: { word: 'UNKNOWN' }, answered: false });
    expect(known.notes.join(' ')).toContain('exit code 0');
  });

  it('passes over another job that has the same id', () => {
    expect(judge(view([job({ name: 'somebody else' })])).state.word).toBe('UNKNOWN');
  });

  it("passes over the record of another cluster's job", () => {
    expect(judge(view([]), [attempt({ jobId: '99' })]).source).toBe('none');
  });

  it('is that of the liveliest task of an array', () => {
    const tasks = [job({ jobId: '12_0', state: 'COMPLETED' }), job({ jobId: '12_1', state: 'RUNNING' })];
    const known = judgeJob('12', view(tasks));
    expect(known.state.word).toBe('RUNNING');
    expect(known.notes[0]).toContain('12_0 COMPLETED, 12_1 RUNNING');
    expect(judgeJob('12_0', view(tasks)).state.word).toBe('COMPLETED');
  });
});

describe('a run whose submission was cut short', () => {
  const lost = manifest({ state: 'submitting', jobId: null });
  const which = (from: SlurmView, attempts: readonly Attempt[] = [], now = NOW) =>
    reconcile(lost, attempts, from, now, true);

  it('is found by its name in squeue or in sacct', () => {
    expect(which(view([job({})]))).toEqual({ outcome: 'found', jobId: '12', by: 'squeue' });
    expect(which(view([], [job({ source: 'sacct' })]))).toEqual({
      outcome: 'found',
      jobId: '12',
      by: 'sacct',
    });
  });

  it('is found by what the job wrote', () => {
    expect(which(SILENT, [attempt({})])).toEqual({ outcome: 'found', jobId: '12', by: 'attempt' });
  });

  it("is not another user's job of the same name", () => {
    expect(which(view([job({ user: 'other' })]))).toEqual({ outcome: 'not-found' });
  });

  it('asks a person when Slurm has it twice', () => {
    const twice = [job({ jobId: '12' }), job({ jobId: '13' })];
    expect(which(view(twice))).toEqual({ outcome: 'several', jobIds: ['12', '13'] });
  });

  it('is given time, and a silent Slurm proves nothing', () => {
    const soon = new Date(Date.parse(lost.createdAt) + 10_000);
    expect(which(view([]), [], soon)).toEqual({ outcome: 'submitting' });
    expect(which(SILENT)).toEqual({ outcome: 'no-answer' });
  });

  describe('and opsctl said that it does not know', () => {
    const since = '2026-11-23T19:59:10Z';
    const unsure = { ...lost, unsure: { since, host: 'login' } };
    const judged = (seconds: number, from: SlurmView, isHere = true, run: Manifest = unsure) =>
      reconcile(run, [], from, new Date(Date.parse(since) + seconds * 1000), isHere).outcome;

    it('is being submitted no more, and Slurm is given time', () => {
      expect(judged(1, view([], []))).toBe('unsettled');
      expect(judged(120, view([], []))).toBe('not-found');
    });

    it('was never accepted when minutes later neither queue nor accounting knows it', () => {
      expect(judged(301, view([], []))).toBe('never-accepted');
    });

    it('is not settled by a silent Slurm, without accounting, or by another cluster', () => {
      expect(judged(301, SILENT)).toBe('no-answer');
      expect(judged(301, view([]))).toBe('not-found');
      expect(judged(301, view([], []), false)).toBe('not-found');
    });

    it('is found all the same when Slurm took it', () => {
      expect(judged(301, view([], [job({ source: 'sacct' })]))).toBe('found');
    });

    it('is as any other again when it is submitted once more', () => {
      const again = { ...unsure, createdAt: '2026-11-23T20:10:00Z' };
      expect(judged(660, view([], []), true, again)).toBe('submitting');
      expect(judged(960, view([], []), true, again)).toBe('not-found');
    });
  });

  it('is left alone when its job is known', () => {
    expect(reconcile(manifest(), [], SILENT, NOW, true)).toEqual({ outcome: 'recorded', jobId: '12' });
  });
});

describe("the job's own record", () => {
  it('is read as the batch script writes it', () => {
    const text =
      '{"attempt":0,"jobId":"12","nodes":["gnode01"],"startedAt":"2026-11-23T20:00:00+00:00","endedAt":null,"exitCode":null}';
    expect(parseAttempt(text)).toEqual(attempt({ endedAt: null, exitCode: null }));
  });

  it.each(['', '{"attempt":0', 'null', '[]', '"x"', '{"attempt":"0"}'])(
    'is passed over when it is %s',
    (text) => {
      expect(parseAttempt(text)).toBeUndefined();
    },
  );
});

describe("a job that has a run's name", () => {
  const cut = manifest({ state: 'submitting', jobId: null, createdAt: '2026-11-23T21:50:00Z' });
  const at = (time: string) => Date.parse(time) / 1000;
  const named = (over: Parameters<typeof job>[0]) => job({ submitTime: at('2026-11-23T21:50:01Z'), ...over });
  const find = (queue: SlurmView['queue'], accounting?: SlurmView['accounting']) =>
    reconcile(cut, [], view(queue, accounting), NOW, true).outcome;

  it('is the run by the comment of its script, and another without one', () => {
    expect(find([named({})])).toBe('found');
    expect(find([named({ comment: null })])).toBe('not-found');
    expect(judgeRun(cut, null, [], view([named({ comment: null })])).state.phase).toBe('unknown');
  });

  it('must be no older than the submission where comments say nothing: of a site that writes its own, and of accounting', () => {
    const old = at('2026-11-23T21:40:00Z');
    const site = { comment: 'project=42' };
    expect([find([named(site)]), find([named({ ...site, submitTime: old })])]).toEqual([
      'found',
      'not-found',
    ]);
    const record = { source: 'sacct', comment: null } as const;
    expect([find([], [named(record)]), find([], [named({ ...record, submitTime: old })])]).toEqual([
      'found',
      'not-found',
    ]);
  });
});
