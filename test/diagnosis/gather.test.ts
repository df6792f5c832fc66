import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { gather } from '../../src/diagnosis/gather.ts';
import { kernelLog } from '../../src/diagnosis/kernel-log.ts';
import { parseNodeStates } from '../../src/slurm/sinfo.ts';
import { shortHostname } from '../../src/system/system.ts';
import { manifest } from '../run/known.ts';
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

describe('the logs of a run', () => {
  const outputDir = mkdtempSync(join(tmpdir(), 'opsctl-test-'));
  afterAll(() => rmSync(outputDir, { recursive: true }));

  it('are those of every node of every attempt, and the batch script’s', async () => {
    const names = ['attempt-0/node-0-a.log', 'attempt-0/node-1-b.log', 'attempt-2/node-0-b.log'];
    for (const name of names) {
      mkdirSync(dirname(join(outputDir, 'logs', name)), { recursive: true });
      writeFileSync(join(outputDir, 'logs', name), '');
    }
    const { exec } = fakeExec({});
    const run = { kind: 'run', manifest: manifest({ outputDir, jobId: null }) } as const;
    const { files } = await gather(fakeSystem(exec), run);
    expect(files.map((path) => relative(join(outputDir, 'logs'), path)).sort()).toEqual([
      ...names,
      'job.log',
    ]);
  });

  it('of a job of others are its output and its errors, once each', async () => {
    const record = (stderr: string) => `JobId=12 JobName=x\n   StdErr=${stderr}\n   StdOut=/logs/12.out\n`;
    const logsOf = async (stderr: string) => {
      const { exec } = fakeExec({
        squeue: '',
        sacct: { code: 1, stderr: 'Slurm accounting storage is disabled' },
        'scontrol show job 12': record(stderr),
      });
      return (await gather(fakeSystem(exec), { kind: 'job', jobId: '12' })).files;
    };
    expect(await logsOf('/logs/12.out')).toEqual(['/logs/12.out']);
    expect(await logsOf('/logs/12.err')).toEqual(['/logs/12.out', '/logs/12.err']);
  });
});

describe('the nodes of a job', () => {
  it('are read once, though they are in several partitions', () => {
    expect(
      parseNodeStates(
        'gnode03|idle|Unknown|Unknown|none\ngnode04|down*|slurm|2026-11-25T08:36:16|Not responding\ngnode04|down*|slurm|2026-11-25T08:36:16|Not responding\n',
      ),
    ).toEqual([
      { node: 'gnode03', state: 'idle', reason: null, by: null, since: null },
      {
        node: 'gnode04',
        state: 'down*',
        reason: 'Not responding',
        by: 'slurm',
        since: '2026-11-25T08:36:16',
      },
    ]);
  });
});
