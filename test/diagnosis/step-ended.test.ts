import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verdict } from './engine.ts';

/** What the example trainer, torchrun 1.13 and Slurm 22.05 wrote on two nodes when the data were not there: recorded. */
const recorded = readFileSync(
  join(import.meta.dirname, '..', 'fixtures', 'missing-data-two-nodes.log'),
  'utf8',
);
const CANCELLED = 'slurmstepd: error: *** STEP 2.0 ON gnode01 CANCELLED AT 2026-11-25T08:25:33 ***\n';
const FAILED = 'srun: error: gnode01: task 0: Exited with exit code 1\n';
const steps = 'step=1/100 loss=2.3\n'.repeat(3);

describe('a step that srun ends because a task has failed', () => {
  it('failed by what that task said, be it but one line of its own', async () => {
    expect(recorded).toMatch(/^0: error: --data_path .*: no such directory$/m);
    expect(await verdict(recorded)).toBe('path-missing');
    const slower = recorded.replace('1: Terminated\n', CANCELLED);
    expect(slower).toContain(CANCELLED);
    expect(await verdict(slower)).toBe('path-missing');
  });

  it('was cancelled by nobody, where no line says why', async () => {
    expect(await verdict(`${steps}${FAILED}${CANCELLED}`)).toBe('unknown');
    expect(await verdict(`${steps}srun: Terminating StepId=2.0\n${CANCELLED}`)).toBe('unknown');
  });

  it('is told from one that a person cancelled, whose tasks fail behind that', async () => {
    expect(await verdict(`${steps}${CANCELLED}${FAILED}`)).toBe('cancelled');
  });
});
