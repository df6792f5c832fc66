import { describe, expect, it } from 'vitest';
import { kernelLog } from '../../src/diagnosis/kernel-log.ts';
import type { SlurmJob } from '../../src/slurm/job.ts';
import { parseNodeStates } from '../../src/slurm/sinfo.ts';
import { jobState } from '../../src/slurm/states.ts';
import { shortHostname } from '../../src/system/system.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const job = (nodes: string): SlurmJob => ({
  source: 'sacct',
  jobId: '12',
  rawId: '12',
  name: 'x',
  user: 'u',
  partition: 'gpu',
  state: jobState('FAILED'),
  reason: null,
  nodeCount: 1,
  nodes,
  elapsedSeconds: 60,
  limitSeconds: 60,
  submitTime: 90,
  startTime: 100,
  endTime: 200,
  exitCode: 1,
  signal: null,
});

describe('the kernel’s lines', () => {
  it('are those from the job’s start to a minute behind its end', async () => {
    const { exec, calls } = fakeExec({ 'journalctl --dmesg': 'NVRM: Xid (PCI:0000:3b:00): 79\n' });
    const log = await kernelLog(fakeSystem(exec), job(shortHostname()));
    expect(log?.text).toContain('Xid');
    expect(calls[0]).toEqual(expect.arrayContaining(['--since=@100', '--until=@260']));
  });

  it('are not there where the user may not read them', async () => {
    const { exec } = fakeExec({ journalctl: { code: 1, stderr: 'No journal files were opened' } });
    expect(await kernelLog(fakeSystem(exec), job(shortHostname()))).toBeUndefined();
  });

  it('are not looked for where the job ran elsewhere', async () => {
    const { exec, calls } = fakeExec({});
    expect(await kernelLog(fakeSystem(exec), job('gnode[01-02]'))).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

describe('the nodes of a job', () => {
  it('are read once, though they are in several partitions', () => {
    expect(
      parseNodeStates('gnode03|idle|none\ngnode04|down*|Not responding\ngnode04|down*|Not responding\n'),
    ).toEqual([
      { node: 'gnode03', state: 'idle', reason: null },
      { node: 'gnode04', state: 'down*', reason: 'Not responding' },
    ]);
  });
});
