import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readRun } from '../../src/run/registry.ts';
import { rerunOf } from '../../src/run/rerun.ts';
import { resubmitRun, takeBackSubmission } from '../../src/run/resubmit.ts';
import type { System } from '../../src/system/system.ts';
import { parseSettings } from '../../src/template/resolve.ts';
import { type Scenario, scenario, systemOf } from './scenario.ts';

async function failed(): Promise<{ at: Scenario; system: System }> {
  const at = await scenario('failed');
  onTestFinished(() => rmSync(at.root, { recursive: true, force: true }));
  return { at, system: systemOf(at).system };
}

const longer = async (system: System, { run }: Scenario) =>
  (await rerunOf(system, {}, run)).inputWith(parseSettings(['time=45:00']));

/** As it is when opsctl is killed while sbatch has not heard of the job: everything is written, and nobody answers. */
async function killedInSbatch(at: Scenario, system: System): Promise<void> {
  const input = await longer(system, at);
  await new Promise<void>((resolve) => {
    const exec: System['exec'] = (argv, options) => {
      if (argv[0] !== 'sbatch') return system.exec(argv, options);
      resolve();
      return new Promise(() => undefined);
    };
    void resubmitRun({ ...system, exec }, at.run, input, []);
  });
}

const text = ({ run }: Scenario) => readFileSync(run.script, 'utf8');

it('a submission with changes that Slurm never heard of is taken back with its changes', async () => {
  const { at, system } = await failed();
  const before = text(at);
  await killedInSbatch(at, system);
  expect(text(at)).toContain('#SBATCH --time=45:00\n');
  const intent = await readRun(system, 'tiny-run');
  expect(intent).toMatchObject({ state: 'submitting', jobId: null });
  if (intent) await takeBackSubmission(system, intent);
  expect(text(at)).toBe(before);
  expect(await readRun(system, 'tiny-run')).toEqual(at.run);
  expect(readdirSync(join(at.run.outputDir)).filter((name) => name.includes('-12.'))).toEqual([]);
});

it('one that Slurm refuses leaves script and manifest as they were', async () => {
  const { at, system } = await failed();
  const before = text(at);
  const exec: System['exec'] = async (argv, options) =>
    argv[0] === 'sbatch'
      ? { argv, code: 1, stdout: '', stderr: 'sbatch: error: no', timedOut: false, missing: false }
      : system.exec(argv, options);
  await expect(resubmitRun({ ...system, exec }, at.run, await longer(system, at), [])).rejects.toThrow();
  expect(text(at)).toBe(before);
  expect(await readRun(system, 'tiny-run')).toEqual(at.run);
});

it('a refusal is told in Slurm’s words, also where what was made for it cannot be taken back', async () => {
  const { at, system } = await failed();
  const exec: System['exec'] = async (argv, options) => {
    if (argv[0] !== 'sbatch') return system.exec(argv, options);
    rmSync(at.run.script);
    mkdirSync(at.run.script);
    return { argv, code: 1, stdout: '', stderr: 'sbatch: error: no', timedOut: false, missing: false };
  };
  const told = resubmitRun({ ...system, exec }, at.run, await longer(system, at), []);
  await expect(told).rejects.toMatchObject({
    message: expect.stringContaining('Slurm refused the job: '),
    hint: expect.stringContaining(`could not be taken back: cannot write ${at.run.script}`),
  });
});

it('one that Slurm takes keeps the script of the job before beside its own, and nothing to take back', async () => {
  const { at, system } = await failed();
  const before = text(at);
  const submitted = await resubmitRun(system, at.run, await longer(system, at), []);
  expect(submitted).not.toHaveProperty('replaces');
  expect(readFileSync(join(at.run.outputDir, 'job-12.sbatch'), 'utf8')).toBe(before);
});

it('a stage of a pipeline that is planned anew keeps its new script', async () => {
  const { at, system } = await failed();
  await killedInSbatch(at, system);
  const intent = await readRun(system, 'tiny-run');
  if (intent) await takeBackSubmission(system, { ...intent, state: 'planned' });
  expect(text(at)).toContain('#SBATCH --time=45:00\n');
});
