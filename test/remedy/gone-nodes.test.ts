import { rmSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { planFor } from '../../src/remedy/automate.ts';
import { addExclusions } from '../../src/remedy/exclusion.ts';
import { seeJob } from '../../src/remedy/see-job.ts';
import { exclusionHint } from '../../src/run/exclusions.ts';
import { missingNodes } from '../../src/slurm/sinfo.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { PROFILE } from '../support/plan.ts';
import { LATER, scenario, systemOf } from './scenario.ts';

const SINFO = 'gnode01|idle|64000|30000|none\ngnode02|idle|64000|30000|none\n';

it('submits again without the excluded node that is there, and does not name the one that left the cluster', async () => {
  const at = await scenario('failed');
  onTestFinished(() => rmSync(at.root, { recursive: true, force: true }));
  const { system } = systemOf(at);
  const expires = new Date(LATER.getTime() + 3_600_000).toISOString();
  const common = { owner: 'ana', reason: 'seen failing', since: LATER.toISOString(), expires, runId: null };
  // The stand-in's cluster has gnode01 to gnode03.
  await addExclusions(system, [
    { node: 'gnode03', ...common },
    { node: 'gnode77', ...common },
  ]);
  const plan = await planFor(system, {
    diagnosis: { status: 'unknown', causes: [] },
    target: { kind: 'run', manifest: at.run },
    profile: PROFILE,
    attended: true,
    isNamed: true,
    seenAt: null,
    only: ['resubmit'],
  });
  expect(plan.steps[0]?.command).toContain('--exclude=gnode03');
});

it('takes no node for gone because sinfo fails, is not there, or prints nothing', async () => {
  const ask = (sinfo: Parameters<typeof fakeExec>[0][string]) =>
    missingNodes(fakeSystem(fakeExec({ sinfo }).exec), ['gnode02', 'gnode77']);
  expect(await ask(SINFO)).toEqual(['gnode77']);
  const refused = 'slurm_load_node error: Unable to contact slurm controller (connect failure)';
  for (const blind of [{ code: 1, stderr: refused }, { missing: true }, ''])
    expect(await ask(blind)).toEqual([]);
});

it('points at the list of exclusions when Slurm refuses a job for a node, and only then', () => {
  expect(exclusionHint('Batch job submission failed: Invalid node name specified')).toBe(
    'opsctl runbook exclusions',
  );
  expect(exclusionHint('Batch job submission failed: Invalid partition name specified')).toBeUndefined();
});

it('takes a job for forgotten when the controller says so, and not because a queue is empty', async () => {
  const invalid = { code: 1, stderr: 'slurm_load_jobs error: Invalid job id specified\n' };
  const see = (show: Parameters<typeof fakeExec>[0][string]) =>
    seeJob(fakeSystem(fakeExec({ squeue: '', 'scontrol show job 12': show }).exec), '12');
  expect(await see(invalid)).toBeNull();
  const shown = 'JobId=12 JobName=x\n   UserId=ana(0) GroupId=x(0)\n   Requeue=1 Restarts=0\n';
  await expect(see(shown)).rejects.toThrow('squeue does not show job 12, and scontrol does');
});
