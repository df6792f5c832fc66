import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { draftOf, isRestart, REMEDIES } from '../../src/remedy/drafts.ts';
import type { PlanRequest } from '../../src/remedy/request.ts';
import { setCheckpointsAside } from '../../src/run/resubmit.ts';
import { manifest } from '../run/known.ts';
import { PARTITION } from '../support/plan.ts';
import { AUTOMATION, cause, evidence, jobNow, planFor } from './support.ts';

const PERSON = { user: 'ana', ownJob: null, attended: true };
const RUN = 'opsctl runbook run sft-tiny';

/** The steps for what a person asks for. */
function asked(only: string[], over: Partial<PlanRequest> = {}) {
  return planFor(cause('python-error', []), { only, actor: PERSON, ...over }).steps;
}
const typed = (...of: Parameters<typeof asked>) => asked(...of).map((step) => step.typed.join(' '));

describe('what a person types for a step', () => {
  const timed = manifest({
    parameters: {
      ...manifest().parameters,
      time: { value: '2:00:00', source: 'flag', where: '--time' },
      memory: { value: '100G', source: 'flag', where: '--memory' },
    },
  });

  it.each([
    ['resubmit', {}, `${RUN} --only resubmit --apply --yes`],
    ['resubmit', { set: { nodes: '1' } }, `${RUN} --only resubmit --set nodes=1 --apply --yes`],
    ['wandb-offline', {}, `${RUN} --only resubmit --set offline=true --apply --yes`],
    ['longer', { run: timed }, `${RUN} --only raise-limit --set time=03:00:00 --apply --yes`],
    ['more-memory', { run: timed }, `${RUN} --only raise-limit --set memory=153600M --apply --yes`],
    ['resume-earlier', {}, `${RUN} --only resubmit --before-step 100 --apply --yes`],
    ['resume-earlier', { beforeStep: 80 }, `${RUN} --only resubmit --before-step 80 --apply --yes`],
    [
      'clear-nccl-shm',
      { onNodes: ['gnode01', 'gnode02'] },
      `${RUN} --only clear-nccl-shm --node gnode[01-02] --apply --yes`,
    ],
    [
      'collect-evidence',
      { job: jobNow({ state: 'RUNNING' }) },
      `${RUN} --only collect-evidence --apply --yes`,
    ],
  ] as const)('is opsctl’s own command where Slurm’s alone is not the act: %s %j', (only, over, words) => {
    expect(typed([only], over)).toEqual([words]);
  });

  it('plans the very same act when it is typed', () => {
    for (const only of ['wandb-offline', 'longer', 'more-memory', 'resume-earlier']) {
      const [step] = asked([only], { run: timed });
      const words = step?.typed ?? [];
      const at = (flag: string) => words[words.indexOf(flag) + 1] ?? '';
      const set = words.includes('--set') ? Object.fromEntries([at('--set').split('=')]) : undefined;
      const [again] = asked([at('--only')], {
        run: timed,
        ...(set ? { set } : {}),
        ...(words.includes('--before-step') ? { beforeStep: Number(at('--before-step')) } : {}),
      });
      expect(again).toEqual(step);
    }
  });

  it('is the command itself where that is the whole act, and the journal keeps what really runs', () => {
    const [step] = asked(['requeue']);
    expect(step?.typed).toEqual(step?.command);
    expect(asked(['resubmit'], { set: { nodes: '1' } })[0]?.command).toEqual([
      'sbatch',
      '--parsable',
      '/data/runs/sft-tiny/job.sbatch',
    ]);
  });

  it('has for every remedy that may be asked for an act, and no act beside them', () => {
    const profile = { partitions: { gpu: PARTITION }, data_root: '/data/me' };
    for (const id of REMEDIES) expect(draftOf(id, timed, profile, 100), id).toHaveProperty('action');
    expect(draftOf('nonsense', timed, profile, 100)).toBeUndefined();
    expect(REMEDIES.filter((id) => !isRestart(id))).toEqual(
      REMEDIES.filter((id) => {
        const draft = draftOf(id, timed, profile, 100);
        return draft && 'action' in draft && !['requeue', 'resubmit', 'raise-limit'].includes(draft.action);
      }),
    );
  });
});

describe('what takes a step back', () => {
  it('is the job alone where nothing else was changed', () => {
    expect(asked(['resubmit'])[0]?.undo).toBe('opsctl cancel sft-tiny');
  });

  it('names the parameter as it was, and one that was not set', () => {
    expect(asked(['resubmit'], { set: { nodes: '1', offline: 'true' } })[0]?.undo).toBe(
      `opsctl cancel sft-tiny; its next attempt as before: ${RUN} --only resubmit --set nodes=2; offline was not set before and stays true`,
    );
  });

  it('gives checkpoints that were set aside their names again, whatever the path is called', async () => {
    const outputDir = join(mkdtempSync(join(tmpdir(), "opsctl it's ")), 'out');
    onTestFinished(() => rmSync(join(outputDir, '..'), { recursive: true }));
    const directory = join(outputDir, 'checkpoints');
    const names = ['checkpoint-100', 'checkpoint-200'];
    for (const name of names) mkdirSync(join(directory, name), { recursive: true });
    const [step] = asked(['resume-earlier'], { run: manifest({ outputDir }) });
    await setCheckpointsAside(directory, ['checkpoint-200'], step?.id ?? '');
    expect(readdirSync(directory)).not.toEqual(names);
    const back = step?.undo?.split('; then, for the checkpoints that were set aside: ')[1] ?? '';
    execFileSync('bash', ['-c', back]);
    expect(readdirSync(directory)).toEqual(names);
  });

  it('is for a node that is given back the reason that stands there now', () => {
    const profile = { automation: { ...AUTOMATION, allow_drain: true }, partitions: {}, data_root: null };
    const undo = (reason: string) =>
      asked(['resume-node'], {
        profile,
        onNodes: ['gnode07'],
        nodes: [{ node: 'gnode07', state: 'drained', reason }],
      })[0]?.undo;
    expect(undo('opsctl: Xid 79, ana’s')).toBe(
      "scontrol update NodeName=gnode07 State=DRAIN 'Reason=opsctl: Xid 79, ana’s'",
    );
  });
});

it('says of a job that waits that no work is lost when it is cancelled', () => {
  const text = (state: string) => asked(['cancel'], { job: jobNow({ state }) })[0]?.blast.text;
  expect(text('PENDING')).toContain('no work is lost');
  expect(text('RUNNING')).toContain('came after its newest checkpoint is lost');
});

describe('what a person can do', () => {
  const look = (command: string, over: Partial<PlanRequest> = {}, line = evidence('gnode02')) =>
    planFor(
      cause('filesystem-error', [], {
        evidence: [line],
        remedies: [{ id: 'look', level: 'L0', command, summary: '' }],
      }),
      over,
    ).advice[0]?.command;

  it('has the node of the evidence in its place, else all nodes of the job where it only looks', () => {
    expect(look('srun -w NODE df; getent hosts NODE')).toBe('srun -w gnode02 df; getent hosts gnode02');
    expect(look('srun -w NODE df; getent hosts NODE', {}, evidence(null))).toBe(
      "srun -w 'gnode[01-04]' df; getent hosts NODE",
    );
  });

  it('has no node and no path that only a log names, and the run’s own where the log speaks of it', () => {
    expect(look('srun -w NODE stat PATH', {}, evidence('x;id', 'no space left on /x;id'))).toBe(
      "srun -w 'gnode[01-04]' stat PATH",
    );
    const line = evidence('gnode02', 'cannot write /data/runs/sft-tiny/checkpoints/x: I/O error');
    expect(look('srun -w NODE stat PATH; ls OUTPUT', {}, line)).toBe(
      'srun -w gnode02 stat /data/runs/sft-tiny; ls /data/runs/sft-tiny',
    );
  });

  it('keeps what is not known as it is, and puts nothing into what was put in', () => {
    expect(look('ssh NODE ls RUN JOB PATH', { job: 'blind', run: null })).toBe('ssh NODE ls RUN JOB PATH');
    expect(look('show RUN JOB', { run: manifest({ runId: 'my-JOB' }) })).toBe('show my-JOB 12');
  });
});
