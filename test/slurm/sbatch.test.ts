import { describe, expect, it } from 'vitest';
import { slurm } from '../../src/slurm/command.ts';
import { sbatch, sbatchTestOnly } from '../../src/slurm/sbatch.ts';
import type { Exec } from '../../src/system/exec.ts';
import { fakeSystem } from '../support/fake-exec.ts';

describe('sbatch and the question before it', () => {
  it('have ten seconds together', async () => {
    const limits: number[] = [];
    let clock = Date.parse('2026-01-02T03:04:05Z');
    const exec: Exec = async (argv, options) => {
      limits.push(options?.timeoutMs ?? Number.NaN);
      clock += 4000;
      return { argv, code: 0, stdout: '12\n', stderr: '', timedOut: false, missing: false };
    };
    const system = fakeSystem(exec, { now: () => new Date(clock) });
    const answer = await sbatchTestOnly(system, '#!/bin/bash\n', []);
    expect(answer).toMatchObject({ accepted: true, tookMs: 4000 });
    await sbatch(system, '/run/job.sbatch', [], answer.accepted ? answer.tookMs : 0);
    const [question = 0, job = 0] = limits;
    expect(question).toBeLessThan(10_000);
    expect(4000 + job).toBeLessThan(10_000);
    // A controller that took as long as it may for the question still has some seconds for the job.
    expect(job + 4000 - question).toBeGreaterThanOrEqual(4000);
  });

  it.each([
    [['scancel', '12'], 'may do it all the same'],
    [['scontrol', 'release', '12'], 'may do it all the same'],
    [['scontrol', 'show', 'job', '12'], 'Nothing was changed'],
    [['sbatch', '--test-only'], 'Nothing was changed'],
  ])('%j without an answer does not claim more than is known', async (argv, hint) => {
    const exec: Exec = async () => ({
      argv,
      code: null,
      stdout: '',
      stderr: '',
      timedOut: true,
      missing: false,
    });
    await expect(slurm(fakeSystem(exec), argv)).rejects.toMatchObject({
      exitCode: 75,
      hint: expect.stringContaining(hint),
    });
  });
});
