import { describe, expect, it } from 'vitest';
import { recentEnds } from '../../src/oncall/ends.ts';
import type { SlurmJob } from '../../src/slurm/job.ts';
import { jobState } from '../../src/slurm/states.ts';
import type { Gathered } from '../../src/watch/gather-scene.ts';
import type { RunMemory } from '../../src/watch/memory.ts';

const NOW = new Date('2026-01-02T03:04:05Z');
const seconds = (iso: string) => Date.parse(iso) / 1000;

function job(over: Partial<SlurmJob> & { word?: string } = {}): SlurmJob {
  return {
    source: 'sacct',
    jobId: '12',
    rawId: '12',
    name: 'run-a',
    user: 'me',
    partition: 'gpu',
    state: jobState(over.word ?? 'FAILED'),
    reason: null,
    nodeCount: 1,
    nodes: 'n1',
    elapsedSeconds: 60,
    limitSeconds: null,
    submitTime: null,
    startTime: seconds('2026-01-02T02:00:00Z'),
    endTime: seconds('2026-01-02T02:30:00Z'),
    comment: null,
    exitCode: 1,
    signal: null,
    ...over,
  };
}

function memory(over: Partial<RunMemory> = {}): RunMemory {
  return {
    jobName: 'run-a',
    task: null,
    phase: 'sft',
    outputDir: '/data/run-a',
    jobId: '12',
    startTime: null,
    over: null,
    handled: null,
    trouble: null,
    acted: null,
    parameters: null,
    log: null,
    progress: null,
    nodes: {},
    ...over,
  };
}

function ends(
  jobs: { queue?: readonly SlurmJob[]; accounting?: readonly SlurmJob[] | undefined },
  run: Partial<RunMemory> = {},
  records: readonly (readonly [string, number])[] = [],
  events: Gathered['events'] = [],
) {
  const look = { at: NOW, queue: jobs.queue ?? [], accounting: jobs.accounting };
  const gathered = { scene: { now: NOW, look, runs: [] }, runs: new Map([['run-a', memory(run)]]), events };
  return recentEnds(gathered as unknown as Gathered, new Map(records)).map(
    ({ runId, isRequeued, endedAt }) => ({
      runId,
      isRequeued,
      ended: endedAt === null ? null : new Date(endedAt).toISOString(),
    }),
  );
}

const FAILED = { runId: 'run-a', isRequeued: false, ended: '2026-01-02T02:30:00.000Z' };

describe('ends of the last day', () => {
  it('are told by the controller, else by accounting', () => {
    expect(ends({ queue: [job()] })).toEqual([FAILED]);
    expect(ends({ accounting: [job()] })).toEqual([FAILED]);
  });

  it('are told also when "status" has written the end into the manifest', () => {
    expect(ends({ accounting: [job()] }, { over: 'FAILED' })).toEqual([FAILED]);
  });

  it.each(['COMPLETED', 'CANCELLED', 'RUNNING', 'PENDING'])('are bad ones: not %s', (word) => {
    expect(ends({ queue: [job({ word })] })).toEqual([]);
  });

  it('are not those of a run that runs again under its name', () => {
    const again = job({ jobId: '13', rawId: '13', word: 'RUNNING', endTime: null });
    expect(ends({ queue: [again], accounting: [job()] })).toEqual([]);
  });

  it('are not older than a day', () => {
    expect(ends({ accounting: [job({ endTime: seconds('2026-01-01T03:00:00Z') })] })).toEqual([]);
  });

  it('are not those that the watcher tells of, or has dealt with', () => {
    const handled = `12@${seconds('2026-01-02T02:00:00Z')}`;
    expect(ends({ accounting: [job()] }, { handled })).toEqual([]);
    const trouble = { alert: {}, attempt: handled, step: 3 } as unknown as RunMemory['trouble'];
    expect(ends({ accounting: [job()] }, { trouble })).toEqual([]);
  });

  it('are told by the job’s own record where Slurm says nothing, and never by silence alone', () => {
    expect(ends({}, {}, [['run-a', Date.parse(FAILED.ended)]])).toEqual([FAILED]);
    expect(ends({})).toEqual([]);
  });

  it('are also attempts that went back into the queue', () => {
    const queued = job({ word: 'PENDING' });
    const event = { runId: 'run-a', queued, happening: { kind: 'requeued' as const, attempt: '12@1' } };
    expect(ends({ queue: [queued] }, {}, [], [event])).toEqual([
      { runId: 'run-a', isRequeued: true, ended: null },
    ]);
  });
});
