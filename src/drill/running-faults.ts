import { readdir, rename, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { inject, runOnNode } from '../sandbox/inject.ts';
import { findInjection } from '../sandbox/injections.ts';
import type { Drill, Scene, Stage } from './drill.ts';
import { expectAlert, expectDiagnosis, expectNoRestart, runbook } from './opsctl.ts';
import { attemptThat, endOf, startNow, steppedBeyond } from './wait.ts';

/** A fault that ends or stops a training, and what has to come of it. */
interface Case {
  readonly name: string;
  readonly rows: readonly number[];
  readonly summary: string;
  readonly parameters?: Drill['parameters'];
  /** Done before the run is submitted. */
  readonly before?: (stage: Stage) => Promise<void>;
  /** Does it once the run is beyond a step; none where the run itself runs into it. */
  readonly cause?: { readonly afterStep: number; readonly act: (scene: Scene) => Promise<void> };
  /** What `opsctl watch` has to call it, where that is not `fault`; null where it rightly says nothing. */
  readonly alert?: string | null;
  /** What `opsctl diagnose` has to call it; none where only the watcher can tell. */
  readonly fault?: string;
  /** What an administrator does about it first. */
  readonly mend?: (scene: Scene) => Promise<void>;
  /** Words of `opsctl runbook run` that bring it back; null where the run rightly ends. */
  readonly repair: readonly string[] | null;
}

const NODE = 'gnode01';
/** torchrun sees which of its own ranks went first; one on another node may end the step before it says so. */
const ONE_NODE = { nodes: 1, processes_per_node: 2, cpus_per_node: 2, nodelist: NODE };
const REQUEUE = ['--only', 'requeue'];

const injected = (name: string) => (scene: Stage) =>
  inject(scene.system, scene.sandbox, NODE, findInjection(name).act);

const CASES: readonly Case[] = [
  {
    name: 'rank-killed',
    rows: [],
    summary: 'kill -9 of a rank',
    parameters: ONE_NODE,
    cause: { afterStep: 4, act: injected('rank-killed') },
    fault: 'killed-external',
    repair: REQUEUE,
  },
  {
    name: 'rank-segfault',
    rows: [],
    summary: 'a segmentation fault in a rank',
    parameters: ONE_NODE,
    cause: { afterStep: 4, act: injected('rank-segfault') },
    fault: 'segfault',
    repair: REQUEUE,
  },
  {
    name: 'rank-hung',
    rows: [28],
    summary: 'a rank stops without a word: evidence first, then the restart',
    parameters: ONE_NODE,
    cause: { afterStep: 8, act: injected('rank-hung') },
    alert: 'hang',
    repair: ['--only', 'collect-evidence', '--only', 'requeue'],
  },
  {
    name: 'checkpoint-corrupt',
    rows: [12],
    summary: 'the newest checkpoint is cut off after a kill -9: the run goes on from the one before',
    parameters: ONE_NODE,
    cause: { afterStep: 8, act: injected('rank-killed') },
    fault: 'killed-external',
    mend: async (scene) => scene.event(`cut off: ${await cutNewestCheckpoint(scene)}`),
    repair: REQUEUE,
  },
  {
    name: 'disk-full',
    rows: [10, 14, 29, 39],
    summary: 'the file system of the checkpoints has no room left',
    cause: {
      afterStep: 4,
      act: (scene) => onNode(scene, `mount -n -t tmpfs -o size=64k opsctl-full '${checkpointsOf(scene)}'`),
    },
    fault: 'disk-full',
    mend: (scene) => onNode(scene, `umount -n -l '${checkpointsOf(scene)}'`),
    repair: REQUEUE,
  },
  {
    name: 'data-missing',
    rows: [],
    summary: 'the data directory is not there when the job starts',
    before: ({ directory }) => rename(join(directory, 'data'), join(directory, 'moved')),
    fault: 'path-missing',
    mend: ({ directory }) => rename(join(directory, 'moved'), join(directory, 'data')),
    repair: REQUEUE,
  },
  {
    name: 'memory',
    rows: [38],
    summary: 'the training takes more memory than the job asked for: it needs another limit, not another try',
    parameters: { ...ONE_NODE, memory: '150M' },
    fault: 'host-oom',
    repair: ['--only', 'resubmit', '--set', 'memory=1500M'],
  },
  {
    name: 'loss-nan',
    rows: [27],
    summary: 'the loss is no number any more: nothing starts it again unchanged',
    parameters: { ...ONE_NODE, learning_rate: 1e30, max_grad_norm: 1e30 },
    fault: 'loss-nan',
    repair: null,
  },
  {
    name: 'cancelled',
    rows: [],
    summary: 'somebody cancels the job: nothing starts it again',
    cause: {
      afterStep: 4,
      act: async ({ system, run }) => {
        await system.exec(['scancel', run.jobId], { env: system.env });
      },
    },
    // Whoever cancels a job knows it.
    alert: null,
    fault: 'cancelled',
    repair: null,
  },
];

export const runningFaults: readonly Drill[] = CASES.map((one) => ({
  name: one.name,
  rows: one.rows,
  summary: one.summary,
  parameters: { nodelist: 'gnode[01-02]', step_delay: 0.2, ...one.parameters },
  ends: one.repair === null ? 'stopped' : 'finished',
  ...(one.before === undefined ? {} : { before: one.before }),
  disturb: (scene) => play(one, scene),
}));

/** Caused, told by the watcher, diagnosed, mended, brought back by the runbook. */
async function play(one: Case, scene: Scene): Promise<void> {
  if (one.cause !== undefined) {
    await steppedBeyond(scene.run, one.cause.afterStep);
    await one.cause.act(scene);
  }
  scene.injected();
  if (one.alert === null) await expectEnd(scene);
  else await expectAlert(scene, one.alert ?? one.fault);
  if (one.fault !== undefined) await expectDiagnosis(scene, one.fault);
  if (one.repair === null) return expectNoRestart(scene);
  const attempt = await attemptThat(scene.run, 0, 'to be recorded', () => true);
  if (attempt.requeued === true)
    throw new OpsError(`the script requeued a run that ended as ${attempt.reason}`);
  await one.mend?.(scene);
  const run = await runbook(scene, one.repair);
  await startNow(scene.system, run, 1);
  await steppedBeyond(run, 0, 1);
  scene.mark('running');
}

async function expectEnd({ system, run, mark, event }: Scene): Promise<void> {
  const state = await endOf(system, run);
  mark('noticed');
  event(`job ${run.jobId} is ${state}`);
}

function onNode({ system, sandbox }: Stage, script: string): Promise<void> {
  return runOnNode(system, sandbox, NODE, script);
}

function checkpointsOf({ run }: Scene): string {
  return join(run.outputDir, 'checkpoints');
}

async function cutNewestCheckpoint(scene: Scene): Promise<string> {
  const names = await readdir(checkpointsOf(scene));
  const steps = names.flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const newest = `checkpoint-${Math.max(...steps)}`;
  await truncate(join(checkpointsOf(scene), newest, 'model.pt'), 100);
  return newest;
}
