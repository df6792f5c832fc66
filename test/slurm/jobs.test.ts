import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isJobId } from '../../src/slurm/job.ts';
import { parseSacct } from '../../src/slurm/sacct.ts';
import { parseShowJob } from '../../src/slurm/scontrol-job.ts';
import { parseSqueue } from '../../src/slurm/squeue.ts';
import { isActive, jobState } from '../../src/slurm/states.ts';

const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'slurm', '22.05', name), 'utf8');

describe('squeue of Slurm 22.05', () => {
  const jobs = parseSqueue(recorded('squeue-mixed.txt'));
  const job = (id: string) => jobs.find(({ jobId }) => jobId === id);

  it('reads every job, whatever its name holds', () => {
    expect(jobs).toHaveLength(24);
    expect(job('1')).toMatchObject({
      name: 'we|ird\u001fna me\nx %j "q" \u001b[31m',
      state: { word: 'COMPLETED' },
    });
    expect(job('30')?.name).toBe('two\n   StdOut=/etc/passwd');
  });

  it('reads times and limits in seconds', () => {
    expect(job('17')).toMatchObject({ elapsedSeconds: 74, limitSeconds: 60, endTime: 1_795_472_314 });
    expect(job('12')).toMatchObject({ limitSeconds: 183_900, nodes: '', nodeCount: 1 });
  });

  it('knows a requeued job that waits, and why', () => {
    expect(job('13')).toMatchObject({
      state: { word: 'PENDING', phase: 'pending' },
      reason: 'BeginTime',
      startTime: 1_795_472_521,
      endTime: null,
    });
  });

  it('reads array tasks and parts of heterogeneous jobs', () => {
    expect(job('18_0')).toMatchObject({ rawId: '28', nodes: 'gnode01' });
    expect(job('18_[2-3%2]')).toMatchObject({ rawId: '18', state: { phase: 'pending' } });
    expect(job('20+1')).toMatchObject({ rawId: '21', nodes: 'gnode[02-03]', nodeCount: 2 });
  });

  it('refuses half a list and what is none: nothing is known of a job that is not in it', () => {
    const whole = recorded('squeue-mixed.txt');
    for (const text of [whole.slice(0, -40), whole.slice(0, -1), 'garbage\n', `hello ${whole}`, '\n'])
      expect(() => parseSqueue(text)).toThrow('squeue printed something that is no whole list of jobs');
    const last = whole.lastIndexOf('\u001e');
    for (const cut of [1, 2, 3, 20])
      expect(() => parseSqueue(whole.slice(0, last + cut))).toThrow('no whole list');
    expect(parseSqueue('')).toEqual([]);
  });

  it('reads a list below the name of its cluster, and a name that holds what opens a record', () => {
    const whole = recorded('squeue-mixed.txt');
    expect(parseSqueue(`CLUSTER: alpha\n${whole}`)).toEqual(parseSqueue(whole));
    expect(parseSqueue('CLUSTER: alpha\n')).toEqual([]);
    const odd = parseSqueue(whole.replace('\n\u001e', 'a\u001eb\n\u001e'));
    expect(odd).toHaveLength(parseSqueue(whole).length);
    expect(odd[0]?.name.endsWith('a\u001eb')).toBe(true);
  });
});

describe('sacct of Slurm 22.05', () => {
  const jobs = parseSacct(recorded('sacct-mixed.txt'));
  const job = (id: string) => jobs.find(({ jobId }) => jobId === id);

  it('reads every job, whatever its name holds', () => {
    expect(jobs).toHaveLength(24);
    expect(job('1')?.name).toBe('we|ird\u001fna me\nx %j `q` \u001b[31m');
  });

  it('reads exit codes and signals of ended jobs only', () => {
    expect(job('15')).toMatchObject({ state: { outcome: 'failed' }, exitCode: 7, signal: null });
    expect(job('16')).toMatchObject({ exitCode: 0, signal: 9 });
    expect(job('2')).toMatchObject({ state: { word: 'CANCELLED', outcome: 'cancelled' } });
    expect(job('19')).toMatchObject({ state: { phase: 'running' }, exitCode: null, endTime: null });
  });

  it('takes the record of a requeued attempt for no end', () => {
    expect(job('13')?.state).toMatchObject({ word: 'REQUEUED', phase: 'pending', outcome: 'unknown' });
  });

  it('shows no nodes where none were assigned', () => {
    expect(job('9')).toMatchObject({ nodes: '', nodeCount: 9, limitSeconds: 3600 });
  });
});

describe('scontrol show job of Slurm 22.05', () => {
  it('finds the output of every task of an array', () => {
    expect(parseShowJob(recorded('scontrol-show-job-array.txt'))).toMatchObject([
      { jobId: '18', stdout: '/data/logs/18.out' },
      { jobId: '29', stdout: '/data/logs/29.out', user: 'root' },
      { jobId: '28', stdout: '/data/logs/28.out' },
    ]);
  });

  it('is not misled by a job name that looks like a field', () => {
    const name = 'JobId=30 JobName=two\n   StdOut=/etc/passwd\n';
    const [job] = parseShowJob(name + recorded('scontrol-show-job-name.txt').replace(/^.*\n/, ''));
    expect(job?.stdout).toBe('/data/logs/29.out');
  });
});

describe('job states', () => {
  it('reads "CANCELLED by 1000"', () => {
    expect(jobState('CANCELLED by 1000')).toEqual({
      word: 'CANCELLED',
      phase: 'ended',
      outcome: 'cancelled',
    });
  });

  it('takes a word it does not know for unknown, never for failed', () => {
    expect(jobState('FLYING')).toEqual({ word: 'FLYING', phase: 'unknown', outcome: 'unknown' });
    expect(jobState('')).toMatchObject({ word: 'UNKNOWN', phase: 'unknown' });
  });

  it('calls a completing job active', () => {
    expect(isActive(jobState('COMPLETING'))).toBe(true);
    expect(isActive(jobState('OUT_OF_MEMORY'))).toBe(false);
  });
});

describe('isJobId', () => {
  it.each(['12', '12_3', '12+1'])('takes %s', (text) => expect(isJobId(text)).toBe(true));
  it.each(['', '7b-sft', '12_[1-3]', '-1', '12,13', '1 2'])('refuses "%s"', (text) =>
    expect(isJobId(text)).toBe(false),
  );
});
