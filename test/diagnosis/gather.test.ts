import { describe, expect, it } from 'vitest';
import { kernelLog } from '../../src/diagnosis/kernel-log.ts';
import { parseNodeStates } from '../../src/slurm/sinfo.ts';
import { shortHostname } from '../../src/system/system.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { job } from './engine.ts';

const failedOn = (nodes: string) => job('FAILED', { nodes, startTime: 100, endTime: 200 });

describe('the kernel’s lines', () => {
  it('are those from the job’s start to a minute behind its end', async () => {
    const { exec, calls } = fakeExec({ 'journalctl --dmesg': 'NVRM: Xid (PCI:0000:3b:00): 79\n' });
    const log = await kernelLog(fakeSystem(exec), failedOn(shortHostname()));
    expect(log?.text).toContain('Xid');
    expect(calls[0]).toEqual(expect.arrayContaining(['--since=@100', '--until=@260']));
  });

  it('are not there where the user may not read them', async () => {
    const { exec } = fakeExec({ journalctl: { code: 1, stderr: 'No journal files were opened' } });
    expect(await kernelLog(fakeSystem(exec), failedOn(shortHostname()))).toBeUndefined();
  });

  it('are not looked for where the job ran elsewhere', async () => {
    const { exec, calls } = fakeExec({});
    expect(await kernelLog(fakeSystem(exec), failedOn('gnode[01-02]'))).toBeUndefined();
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
