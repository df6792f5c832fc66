import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { advance } from '../../src/pipeline/advance.ts';
import { takeLease } from '../../src/pipeline/lock.ts';
import type { PipelineRecord } from '../../src/pipeline/record.ts';
import type { Manifest } from '../../src/run/manifest.ts';
import { readRun, saveManifest } from '../../src/run/registry.ts';
import { manifest } from '../run/known.ts';
import { type Answer, fakeExec, fakeSystem } from '../support/fake-exec.ts';

let root: string;
const NOW = new Date('2026-01-02T03:04:05Z');
const LEASE = { renew: async () => undefined, holds: async () => true, release: async () => undefined };

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-advance-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
});

const system = (stubs: Record<string, Answer | string>) => {
  const fake = fakeExec(stubs);
  return {
    ...fakeSystem(fake.exec, { env: { HOME: root, OPSCTL_HOME: join(root, 'state') }, now: () => NOW }),
    calls: fake.calls,
  };
};

const RECORD: PipelineRecord = {
  version: 1,
  pipelineId: 'p',
  createdAt: NOW.toISOString(),
  file: 'p.yaml',
  fingerprint: 'f',
  state: 'submitting',
  stages: ['a', 'b'].map((name, index) => ({
    name,
    runId: `p-${name}`,
    outputDir: '',
    phase: 'sft',
    trainer: 'example',
    after: index === 0 ? [] : ['a'],
    when: 'ok',
    sources: [],
  })),
};

async function write(name: string, changes: Partial<Manifest>): Promise<void> {
  const outputDir = join(root, name);
  mkdirSync(outputDir, { recursive: true });
  const own = {
    runId: `p-${name}`,
    outputDir,
    script: join(outputDir, 'job.sbatch'),
    user: userInfo().username,
  };
  await saveManifest(
    fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: join(root, 'state') } }),
    manifest({ ...own, ...changes }),
  );
}

/** Accounting is asked about jobs with an id alone. */
const NOBODY = { squeue: '' };
const planned = { state: 'planned', jobId: null } as const;
const seconds = (ago: number) => new Date(NOW.getTime() - ago * 1000).toISOString();

describe('advance', () => {
  it('holds the first stage, lets the others wait for it, and writes each job down', async () => {
    await write('a', planned);
    await write('b', planned);
    const now = system({ ...NOBODY, sbatch: '7\n' });
    await advance(now, RECORD, LEASE);
    const lines = now.calls
      .filter(([program]) => program === 'sbatch')
      .map((argv) => argv.slice(1, -1).join(' '));
    expect(lines).toEqual([
      '--parsable --hold',
      '--parsable --dependency=afterok:7 --kill-on-invalid-dep=yes',
    ]);
    expect(await readRun(now, 'p-b')).toMatchObject({
      state: 'submitted',
      jobId: '7',
      after: [{ type: 'afterok', jobId: '7', runId: 'p-a' }],
    });
  });

  it('submits nothing while sbatch may still be at work on a stage', async () => {
    await write('a', { state: 'submitting', jobId: null, createdAt: seconds(20) });
    await write('b', planned);
    await expect(advance(system(NOBODY), RECORD, LEASE)).rejects.toMatchObject({ exitCode: 75 });
  });

  it('submits such a stage again only after Slurm has clearly not had it for long enough', async () => {
    await write('a', { state: 'submitting', jobId: null, createdAt: seconds(120) });
    await write('b', planned);
    await advance(system({ ...NOBODY, sbatch: '8\n' }), RECORD, LEASE);
    expect(await readRun(system({}), 'p-a')).toMatchObject({ state: 'submitted', jobId: '8' });
  });

  it('changes nothing while Slurm does not answer', async () => {
    await write('a', { state: 'submitting', jobId: null, createdAt: seconds(120) });
    await write('b', planned);
    const silent = {
      code: 1,
      stderr: 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)',
    };
    await expect(advance(system({ squeue: silent }), RECORD, LEASE)).rejects.toMatchObject({
      exitCode: 75,
    });
    expect(await readRun(system({}), 'p-b')).toMatchObject({ state: 'planned' });
  });

  it('keeps what Slurm has, whatever became of it, and does not wait for what has ended well', async () => {
    await write('a', { jobId: '5', ended: 'COMPLETED' });
    await write('b', { ...planned, earlierJobs: ['6'] });
    const now = system({ ...NOBODY, sacct: '', sbatch: '9\n' });
    await advance(now, RECORD, LEASE);
    const submitted = now.calls.filter(([program]) => program === 'sbatch');
    expect(submitted).toHaveLength(1);
    expect(submitted[0]).toContain('--hold');
  });
});

describe('the lease', () => {
  it('is one process’s at a time, and free again when that has given it back', async () => {
    const now = system({});
    const lease = await takeLease(now);
    await expect(takeLease(now)).rejects.toMatchObject({ exitCode: 75 });
    await lease.release();
    await (await takeLease(now)).release();
  });
});
