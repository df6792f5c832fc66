import { describe, expect, it } from 'vitest';
import { attemptOfPath } from '../../src/diagnosis/attempt-marks.ts';
import { type Attempts, number } from '../../src/diagnosis/attempts.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import type { SlurmJob } from '../../src/slurm/job.ts';
import type { NodeState } from '../../src/slurm/sinfo.ts';
import { job, runbooks } from './engine.ts';

const waiting = job('PENDING', { nodes: '', reason: 'BeginTime', startTime: null, endTime: null });
const cancelledInQueue = job('CANCELLED by 1000', { nodes: '' });
const OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.\n';
const KEY_ERROR = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 3\n';
const PREEMPTED =
  'slurmstepd: error: *** JOB 12 ON a CANCELLED AT 2026-01-01T00:00:00 DUE TO PREEMPTION ***\n';
const starts = (attempt: number) => `attempt ${attempt} of job 12 on gnode01, rendezvous gnode01:12345\n`;

function diagnoseLogs(
  logs: Readonly<Record<string, string>>,
  newest?: SlurmJob,
  earlier: readonly SlurmJob[] = [],
  lost: readonly NodeState[] = [],
) {
  const sources = Object.entries(logs).map(([name, text]) => ({
    name,
    attempt: attemptOfPath(name),
    chunks: [Buffer.from(text)],
  }));
  return diagnose(runbooks, sources, { newest, earlier, lost });
}

describe('of a job that was started more than once', () => {
  it.each([
    ['the newest that ran', [job('NODE_FAIL')], job('FAILED'), [0, 1], 1],
    ['the one before it while it waits again', [job('NODE_FAIL')], waiting, [0], 0],
    ['the one before it when it was cancelled in the queue', [job('PREEMPTED')], cancelledInQueue, [0], 0],
    ['the newest with logs where there is no accounting', [], job('FAILED'), [0, 1, 2], 2],
    ['the newest with logs while it waits again without accounting', [], waiting, [0, 1], 1],
    ['the job itself when it never ran', [], waiting, [], 0],
    ['the newest with logs without Slurm', [], undefined, [3, 1], 3],
  ])('%s decides', (_, earlier, newest, logged, decisive) => {
    expect(number({ earlier, newest }, logged).decisive).toBe(decisive);
  });

  it.each(['nohup: ignoring input\n', 'nohup: 忽略输入\n'])(
    'each starts anew where nohup says so in one log: %s',
    async (mark) => {
      const { causes, attempts } = await diagnoseLogs({ 'nohup.out': mark + OOM + OOM + mark + KEY_ERROR });
      expect(causes.map(({ fault }) => fault)).toEqual(['python-error']);
      expect(attempts).toMatchObject([{ fault: 'cuda-oom' }, { fault: 'python-error', decisive: true }]);
    },
  );

  it('is one run where nohup speaks once, or within a run that numbers its starts', async () => {
    expect(await diagnoseLogs({ 'nohup.out': `nohup: ignoring input\n${OOM}` })).toMatchObject({
      attempts: [],
    });
    const within = `${starts(0)}a\nb\nc\nnohup: ignoring input\n${OOM}`;
    expect(await diagnoseLogs({ 'job.log': within })).toMatchObject({ attempts: [] });
  });

  it('the cause is that of the attempt that decides, and the others are told of', async () => {
    const logs = { 'logs/attempt-0/node-0-a.log': OOM, 'logs/attempt-1/node-0-a.log': KEY_ERROR };
    const { causes, attempts } = await diagnoseLogs(logs, job('FAILED', { exitCode: 1 }), [job('NODE_FAIL')]);
    expect(causes[0]?.fault).toBe('python-error');
    expect(attempts).toMatchObject([
      { attempt: 0, decisive: false, fault: 'node-fail', slurm: expect.stringContaining('NODE_FAIL') },
      { attempt: 1, decisive: true, fault: 'python-error' },
    ]);
  });

  it('a job that waits again is diagnosed by how it ended before', async () => {
    const { status, causes } = await diagnoseLogs({}, waiting, [job('NODE_FAIL')]);
    expect([status, causes[0]?.fault]).toEqual(['diagnosed', 'node-fail']);
  });

  it('one that ended well is healthy, whatever happened before', async () => {
    const logs = { 'attempt-0/node-0-a.log': OOM, 'attempt-1/node-0-a.log': 'step 1 loss: 2\n' };
    const { status, attempts } = await diagnoseLogs(logs, job('COMPLETED'), [job('FAILED', { exitCode: 1 })]);
    expect([status, attempts[0]?.fault]).toEqual(['healthy', 'cuda-oom']);
  });

  it('what stands in the batch script’s log before the next start is of the attempt before', async () => {
    const log = starts(0) + PREEMPTED + starts(1) + KEY_ERROR;
    const { causes, attempts } = await diagnoseLogs({ 'job.log': log });
    expect(causes.map(({ fault }) => fault)).toEqual(['python-error']);
    expect(attempts.map(({ fault }) => fault)).toEqual(['preempted', 'python-error']);
    const alone = await diagnoseLogs({ 'job.log': starts(0) + PREEMPTED });
    expect([alone.causes[0]?.fault, alone.attempts]).toEqual(['preempted', []]);
  });

  it('the same fault in another attempt is said, and quoted', async () => {
    const logs = { 'attempt-0/node-0-a.log': OOM, 'attempt-1/node-0-a.log': OOM };
    const [cause] = (await diagnoseLogs(logs)).causes;
    expect(cause?.why).toContain('recurring');
    expect([...new Set(cause?.evidence.map(({ file }) => file))]).toEqual(Object.keys(logs).reverse());
  });
});

describe('of an attempt without a record', () => {
  const lost = [{ node: 'gnode01', state: 'down*', reason: 'Not responding' }];
  const logs = { 'attempt-0/node-1-b.log': 'step 1 loss: 2\n' };
  const diagnosed = (slurm: Attempts, of = logs) => diagnoseLogs(of, slurm.newest, slurm.earlier, slurm.lost);

  it('a node that is gone is the cause, named', async () => {
    const [cause] = (await diagnosed({ newest: waiting, lost })).causes;
    expect(cause).toMatchObject({
      fault: 'node-fail',
      evidence: [{ node: 'gnode01', text: 'Slurm: node gnode01 is down* (Not responding)' }],
    });
  });

  it('what accounting says of it counts, and not the node', async () => {
    const { status } = await diagnosed({ newest: job('COMPLETED'), lost });
    expect(status).toBe('healthy');
  });

  it.each([
    ['DUE TO PREEMPTION', 'preempted'],
    ['DUE TO TIME LIMIT', 'time-limit'],
    ['DUE TO JOB REQUEUE', 'cancelled'],
  ])('a node that is gone is not blamed where Slurm says "%s"', async (words, fault) => {
    const line = `slurmstepd: error: *** JOB 12 ON a CANCELLED AT 2026-01-01T00:00:00 ${words} ***\n`;
    const { causes } = await diagnosed({ newest: waiting, lost }, { 'attempt-0/node-1-b.log': line });
    expect(causes.map((cause) => cause.fault)).toEqual([fault]);
  });

  it('a node that is gone is not blamed for what it does not bring about', async () => {
    const { causes } = await diagnosed({ newest: waiting, lost }, { 'attempt-0/node-1-b.log': OOM });
    expect(causes.map((cause) => cause.fault)).toEqual(['cuda-oom']);
  });

  it('the logs of the others explain nothing that the node does not', async () => {
    const peer =
      'torch.distributed.DistBackendError: NCCL error: remote process exited or there was a network error\n';
    const { causes } = await diagnosed({ newest: waiting, lost }, { 'attempt-0/node-1-b.log': peer });
    expect(causes.map(({ fault }) => fault)).toEqual(['node-fail']);
  });
});
