import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/run/manifest.ts';
import { saveManifest } from '../../src/run/registry.ts';
import { findTarget, findTargetRun } from '../../src/run/target.ts';
import type { System } from '../../src/system/system.ts';
import { type Answer, fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { manifest as known } from './known.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-target-'));
});
afterEach(() => rmSync(place, { recursive: true }));

function system(stubs: Readonly<Record<string, Answer | string>>): System {
  return fakeSystem(fakeExec(stubs).exec, { env: { OPSCTL_HOME: place }, cwd: place });
}

async function save(runId: string, more: Partial<Manifest> = {}): Promise<void> {
  const outputDir = join(place, 'out', runId);
  mkdirSync(outputDir, { recursive: true });
  await saveManifest(system({}), known({ runId, outputDir, jobId: '8', ...more }));
}

/** One record of squeue's, as Slurm 22.05 prints it in opsctl's format. */
function queued(name: string, jobId = '8', user = 'ana'): string {
  const fields = [jobId, jobId, 'RUNNING', 'None', user, 'gpu', '1', 'gnode01', '1:00', '1:00:00'];
  return `\u001e${[...fields, '1795596241', '1795596241', '1795599841', `opsctl:${name}`, name].join('\u001f')}\n`;
}

describe('a job id', () => {
  it('is the run whose name Slurm has under it', async () => {
    await save('here', { cluster: 'a' });
    expect(await findTarget(system({ squeue: queued('here') }), '8')).toMatchObject({
      kind: 'run',
      manifest: { runId: 'here' },
    });
  });

  it('is the job of this cluster, not the run that had the id on another', async () => {
    await save('there', { cluster: 'a' });
    const here = system({ squeue: queued('wrap') });
    expect(await findTarget(here, '8')).toEqual({ kind: 'job', jobId: '8' });
    await expect(findTargetRun(here, '8')).rejects.toThrow('job 8 is no run that opsctl submitted');
  });

  it("is nobody's run when the job with its name is another person's", async () => {
    await save('there');
    expect(await findTarget(system({ squeue: queued('there', '8', 'bea') }), '8')).toMatchObject({
      kind: 'job',
    });
  });

  it('is of several runs that had it the one that has it here, though another was submitted later', async () => {
    await save('older', { cluster: 'a', createdAt: '2026-01-01T00:00:00Z' });
    await save('newer', { cluster: 'b', createdAt: '2026-02-01T00:00:00Z' });
    expect(await findTarget(system({ squeue: queued('older') }), '8')).toMatchObject({
      manifest: { runId: 'older' },
    });
  });

  it.each([
    ['is forgotten by Slurm', { squeue: '', sacct: '' }],
    [
      'is asked for while Slurm is down',
      { squeue: { code: 1, stderr: 'Unable to contact slurm controller' } },
    ],
  ])('is the newest run that had it when it %s', async (_, stubs) => {
    await save('older', { createdAt: '2026-01-01T00:00:00Z' });
    await save('newer', { createdAt: '2026-02-01T00:00:00Z' });
    expect(await findTargetRun(system(stubs), '8')).toMatchObject({ runId: 'newer' });
  });

  it('is asked of nobody when no run ever had it', async () => {
    await save('here', { jobId: '12' });
    expect(await findTarget(system({}), '8')).toEqual({ kind: 'job', jobId: '8' });
  });

  it('of a task is the run of that task', async () => {
    await save('sweep-2', { jobId: '8_2', jobName: 'sweep' });
    await save('sweep-3', { jobId: '8_3', jobName: 'sweep' });
    expect(await findTargetRun(system({ squeue: queued('sweep', '8_2') }), '8_2')).toMatchObject({
      runId: 'sweep-2',
    });
  });
});
