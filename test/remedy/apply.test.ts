import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Profile } from '../../src/config/schema.ts';
import { applyPlan } from '../../src/remedy/apply.ts';
import { automate, planFor } from '../../src/remedy/automate.ts';
import type { ActEntry } from '../../src/remedy/entry.ts';
import { readJournal, withJournal } from '../../src/remedy/journal.ts';
import { reconcileJournal } from '../../src/remedy/reconcile.ts';
import { readRun } from '../../src/run/registry.ts';
import type { System } from '../../src/system/system.ts';
import { asNoRoot } from '../support/as-other.ts';
import { PROFILE } from '../support/plan.ts';
import { LATER, type Phase, type Scenario, scenario, systemOf } from './scenario.ts';
import { AUTOMATION, cause, evidence } from './support.ts';

const PROFILE_L4: Profile = {
  ...PROFILE,
  automation: { ...AUTOMATION, level: 'L4', allow_drain: true, keep_checkpoints: 1 },
};

let open: Scenario[] = [];
afterEach(() => {
  for (const { root } of open) rmSync(root, { recursive: true, force: true });
  open = [];
});

async function start(phase: Phase) {
  const made = await scenario(phase);
  open.push(made);
  const { system, slurm } = systemOf(made);
  return { made, system, slurm };
}

/** A person asks for these acts and says yes. */
async function ask(system: System, made: Scenario, only: string[], more: object = {}) {
  const manifest = await readRun(system, made.run.runId);
  if (!manifest) throw new Error('the run is gone');
  const target = { kind: 'run' as const, manifest };
  const diagnosis = { status: 'unknown' as const, causes: [] };
  const asked = { diagnosis, target, profile: PROFILE_L4, attended: true, isNamed: true, seenAt: null, only };
  const plan = await planFor(system, { ...asked, ...more });
  const results = await applyPlan(system, plan, {
    level: 4,
    attended: true,
    profile: PROFILE_L4,
    fleet: null,
    config: {},
  });
  return { plan, results, said: results.map(({ action, result }) => `${action} ${result}`) };
}

/** A watcher has found a cause. */
async function repair(
  system: System,
  made: Scenario,
  fault: string,
  remedies: string[],
  profile = PROFILE_L4,
) {
  const manifest = await readRun(system, made.run.runId);
  if (!manifest) throw new Error('the run is gone');
  const found = cause(fault, remedies, { evidence: [evidence('gnode02')] });
  return automate(system, {
    diagnosis: { status: 'diagnosed', causes: [found] },
    target: { kind: 'run', manifest },
    profile,
    seenAt: null,
    fleet: null,
  });
}

describe('carrying a plan out', () => {
  it('requeues without the node, and believes what Slurm shows, not what scontrol says', async () => {
    const { made, system, slurm } = await start('failed');
    const { results } = await repair(system, made, 'node-fail', ['exclude-node']);
    expect(results.map(({ action, result }) => [action, result])).toEqual([
      ['requeue', 'done'],
      ['exclude-node', 'done'],
    ]);
    expect(slurm.jobs()).toMatchObject([{ state: 'PENDING', restarts: 1, excluded: 'gnode02' }]);
    const [entry] = (await readJournal(system)) as ActEntry[];
    expect(entry).toMatchObject({
      action: 'requeue',
      fault: 'node-fail',
      command: ['scontrol', 'requeue', '12'],
      evidence: ['it broke'],
      checkpointStep: 300,
      before: { job: { word: 'FAILED', restarts: 0 } },
      outcome: {
        result: 'done',
        said: 'slurm_requeue error: Unexpected message received',
        after: { job: { restarts: 1 } },
      },
    });
  });

  it('does no more than the level allows, and proposes the rest', async () => {
    const { made, system, slurm } = await start('failed');
    const at = (level: 'L1' | 'L2') => ({ ...PROFILE, automation: { ...AUTOMATION, level } });
    const none = await repair(system, made, 'node-fail', ['exclude-node'], at('L1'));
    expect(none).toMatchObject({ applied: false, results: [], plan: { steps: [{}, {}] } });
    expect(slurm.events()).toHaveLength(3);
    const prune = await repair(system, made, 'shm-exhausted', ['clear-nccl-shm'], at('L2'));
    expect(prune).toMatchObject({ applied: false, results: [{ result: 'proposed' }] });
    expect(readdirSync(made.shm)).toHaveLength(2);
  });

  it('submits the run again in its own directory, with what was to be different', async () => {
    const { made, system, slurm } = await start('failed');
    const { said } = await ask(system, made, ['resubmit'], { set: { nodes: '1' } });
    expect(said).toEqual(['resubmit done']);
    expect(await readRun(system, 'tiny-run')).toMatchObject({
      jobId: '14',
      state: 'submitted',
      earlierJobs: ['12'],
      outputDir: made.run.outputDir,
      parameters: { nodes: { value: 1 } },
    });
    expect(readFileSync(made.run.script, 'utf8')).toContain('#SBATCH --nodes=1\n');
    expect(readFileSync(join(made.run.outputDir, 'job-12.sbatch'), 'utf8')).toContain('#SBATCH --nodes=2\n');
    expect(slurm.events().filter(({ kind }) => kind === 'submit')).toHaveLength(2);
  });

  it('says which leftovers of NCCL it leaves, and why, when there are no others', async () => {
    const { made, system } = await start('failed');
    writeFileSync(join(made.shm, 'nccl-young'), '');
    const clear = () => ask(system, made, ['clear-nccl-shm'], { onNodes: ['gnode01'] });
    expect((await clear()).results).toMatchObject([
      { result: 'done', said: 'deleted 2; kept nccl-young too young' },
    ]);
    expect((await clear()).results).toMatchObject([
      { result: 'nothing-to-do', said: 'kept nccl-young too young' },
    ]);
  });

  it('goes on from an older checkpoint and deletes none', async () => {
    const { made, system } = await start('failed');
    const { said } = await ask(system, made, ['resume-earlier']);
    expect(said).toEqual(['resubmit done']);
    const names = readdirSync(join(made.run.outputDir, 'checkpoints')).sort();
    expect(names).toEqual([
      'checkpoint-100',
      'checkpoint-200',
      expect.stringMatching(/^set-aside-.*-checkpoint-300$/),
    ]);
  });

  it('holds, releases and cancels, and finds nothing to do the second time', async () => {
    const { made, system, slurm } = await start('pending');
    expect((await ask(system, made, ['hold'])).said).toEqual(['hold done']);
    const again = async (act: string) => (await ask(system, made, [act])).plan;
    expect(await again('hold')).toMatchObject({ steps: [], refused: [{ rail: 'already' }] });
    expect((await ask(system, made, ['release'])).said).toEqual(['release done']);
    expect(await again('release')).toMatchObject({ steps: [], refused: [{ rail: 'already' }] });
    expect((await ask(system, made, ['cancel'])).said).toEqual(['cancel done']);
    expect(await again('cancel')).toMatchObject({ steps: [], refused: [{ rail: 'already' }] });
    expect(slurm.jobs()).toMatchObject([{ state: 'CANCELLED' }]);
  });

  it('prunes by the rules of prune, and clears what NCCL has left', async () => {
    const { made, system } = await start('failed');
    expect((await ask(system, made, ['prune-checkpoints', 'clear-nccl-shm'])).said).toEqual([
      'clear-nccl-shm done',
      'prune-checkpoints done',
    ]);
    expect(readdirSync(made.shm)).toEqual([]);
    expect(readdirSync(join(made.run.outputDir, 'checkpoints'))).toEqual(['checkpoint-300']);
  });

  it('drains a node with its own reason, and gives back only what it has drained', async () => {
    const { made, system, slurm } = await start('failed');
    const on = { onNodes: ['gnode03'] };
    expect((await ask(system, made, ['drain-node'], on)).said).toEqual(['drain-node done']);
    expect(slurm.nodes().get('gnode03')).toEqual({ state: 'drained', reason: 'opsctl: asked for by hand' });
    expect((await ask(system, made, ['resume-node'], on)).said).toEqual(['resume-node done']);
    slurm.happens({ kind: 'node', node: 'gnode03', state: 'drained', reason: 'disk is being replaced' });
    const other = await ask(system, made, ['resume-node'], on);
    expect(other.results).toMatchObject([
      { result: 'refused', said: expect.stringContaining('somebody else') },
    ]);
    expect((await ask(system, made, ['drain-node'], on)).results).toMatchObject([{ result: 'refused' }]);
  });

  it('keeps one bundle of evidence for an attempt', async () => {
    const { made, system } = await start('running');
    expect((await ask(system, made, ['collect-evidence'])).said).toEqual(['collect-evidence done']);
    expect((await ask(system, made, ['collect-evidence'])).said).toEqual(['collect-evidence nothing-to-do']);
    expect(readFileSync(join(made.run.outputDir, 'evidence', '12.0.txt'), 'utf8')).toContain(
      'end of gnode01',
    );
  });
});

describe('the state of the moment', () => {
  it('drops a plan that was made for another attempt', async () => {
    const { made, system, slurm } = await start('failed');
    const manifest = await readRun(system, 'tiny-run');
    if (!manifest) throw new Error('the run is gone');
    const found = cause('killed-external', ['requeue']);
    const plan = await planFor(system, {
      diagnosis: { status: 'diagnosed', causes: [found] },
      target: { kind: 'run', manifest },
      profile: PROFILE_L4,
      attended: true,
      isNamed: true,
      seenAt: null,
    });
    slurm.happens({ kind: 'requeue', jobId: '12' });
    slurm.happens({ kind: 'start', jobId: '12', nodes: 'gnode01' });
    slurm.happens({ kind: 'fail', jobId: '12' });
    const options = { level: 4, attended: true, profile: PROFILE_L4, fleet: null, config: {} } as const;
    expect(await applyPlan(system, plan, options)).toMatchObject([
      { result: 'refused', said: expect.stringContaining('restarted since') },
    ]);
    expect(slurm.jobs()).toMatchObject([{ restarts: 1 }]);
    expect(made.run.runId).toBe('tiny-run');
  });

  it('does nothing when Slurm has fallen silent', async () => {
    const { made, system, slurm } = await start('failed');
    const silent: System = {
      ...system,
      exec: async (argv) => ({
        argv,
        code: 1,
        stdout: '',
        stderr: 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n',
        timedOut: false,
        missing: false,
      }),
    };
    const found = await repair(silent, made, 'killed-external', ['requeue']);
    expect(found).toMatchObject({ applied: false, plan: { steps: [], refused: [{ rail: 'blind' }] } });
    expect(slurm.events()).toHaveLength(3);
  });
});

describe('the journal', () => {
  /** The act was done, and opsctl killed before it could write that down. */
  async function killedAfter(phase: Phase, remedies: string[], fault: string) {
    const { made, system, slurm } = await start(phase);
    await repair(system, made, fault, remedies);
    const directory = join(made.home, 'journal');
    for (const name of readdirSync(directory).filter((each) => each.includes('-act-'))) {
      const entry = JSON.parse(readFileSync(join(directory, name), 'utf8')) as ActEntry;
      writeFileSync(join(directory, name), JSON.stringify({ ...entry, outcome: null }));
    }
    return { made, system, slurm };
  }

  it('is asked by the next start what became of an act, and does it not twice', async () => {
    const { made, system, slurm } = await killedAfter('failed', ['requeue'], 'killed-external');
    await repair(system, made, 'killed-external', ['requeue']);
    expect(slurm.events().filter(({ kind }) => kind === 'requeue')).toHaveLength(1);
    expect(await readJournal(system)).toMatchObject([{ outcome: { result: 'done' } }]);
  });

  it('leaves open what cannot be seen', async () => {
    const { system } = await killedAfter('failed', ['requeue'], 'killed-external');
    const blind: System = {
      ...system,
      exec: async (argv) => ({ argv, code: null, stdout: '', stderr: '', timedOut: true, missing: false }),
    };
    const journal = await withJournal(blind, async () => reconcileJournal(blind, await readJournal(blind)));
    expect(journal).toMatchObject([{ outcome: null }]);
  });

  it('is 0700 with files of 0600, and is not believed when others can write it', async () => {
    const { made, system } = await start('failed');
    await repair(system, made, 'killed-external', ['requeue']);
    const directory = join(made.home, 'journal');
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory).filter((each) => each.endsWith('.json')))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    chmodSync(directory, 0o777);
    await expect(repair(system, made, 'killed-external', ['requeue'])).rejects.toThrow(/written by others/);
  });

  it('is not empty because it cannot be read', async () => {
    const { made, system } = await start('failed');
    await withJournal(system, async () => undefined);
    chmodSync(made.root, 0o755);
    chmodSync(join(made.home, 'journal'), 0o000);
    await asNoRoot(() => expect(readJournal(system)).rejects.toThrow(/cannot read .*journal/));
    chmodSync(join(made.home, 'journal'), 0o700);
  });

  it('stops everything when an entry cannot be read', async () => {
    const { made, system } = await start('failed');
    mkdirSync(join(made.home, 'journal'), { mode: 0o700 });
    writeFileSync(join(made.home, 'journal', '20261125T020000000Z-act-x.json'), '{"version":1,');
    await expect(repair(system, made, 'killed-external', ['requeue'])).rejects.toThrow(/cannot be read/);
  });

  it('says once that a budget is used up, and once that the breaker opens', async () => {
    const { made, system } = await start('failed');
    const closed = { ...PROFILE_L4.automation, breaker: { actions: 1, window: '1:00:00', share: 1 } };
    const profile = { ...PROFILE_L4, automation: closed };
    await repair(system, made, 'killed-external', ['requeue'], profile);
    const { slurm } = systemOf(made);
    slurm.happens({ kind: 'start', jobId: '12', nodes: 'gnode01' });
    slurm.happens({ kind: 'fail', jobId: '12' });
    const later = systemOf(made, new Date(LATER.getTime() + 30 * 60_000)).system;
    const first = await repair(later, made, 'killed-external', ['requeue'], profile);
    expect(first).toMatchObject({ applied: false, breaker: { open: true, opensNow: true } });
    const second = await repair(later, made, 'killed-external', ['requeue'], profile);
    expect(second).toMatchObject({ applied: false, breaker: { open: true, opensNow: false } });
    expect(slurm.jobs()).toMatchObject([{ restarts: 1 }]);
  });
});
