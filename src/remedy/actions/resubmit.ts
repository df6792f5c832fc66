import { readdir } from 'node:fs/promises';
import { EXIT, OpsError } from '../../errors.ts';
import { checkpointRule } from '../../run/complete.ts';
import type { Manifest } from '../../run/manifest.ts';
import { keepNews } from '../../run/news.ts';
import { checkpointsOf } from '../../run/own-checkpoints.ts';
import { checkpointName } from '../../run/prune-plan.ts';
import { readRun } from '../../run/registry.ts';
import { rerunOf } from '../../run/rerun.ts';
import {
  resubmitRun,
  setCheckpointsAside,
  takeBackSubmission,
  takeCheckpointsBack,
} from '../../run/resubmit.ts';
import { knowTarget } from '../../run/status.ts';
import type { System } from '../../system/system.ts';
import { parseSettings } from '../../template/resolve.ts';
import type { Deed, DeedContext } from '../deed.ts';
import type { Seen } from '../entry.ts';
import { type Act, isChanged, type Step } from '../step.ts';
import { changeText } from '../typed.ts';

async function runOf(system: System, runId: string | null): Promise<Manifest> {
  const manifest = runId === null ? undefined : await readRun(system, runId);
  if (manifest) return manifest;
  throw new OpsError(`there is no run ${runId}`);
}

/** The run's job, which after a crash may only be found by its name. What was found is written down. */
async function see(system: System, { runId }: Act): Promise<Seen> {
  const manifest = await runOf(system, runId);
  const known = await knowTarget(system, { kind: 'run', manifest });
  if (known.failure) throw known.failure;
  await keepNews(system, manifest, known);
  const { phase, word } = known.knowledge.state;
  return {
    run: {
      jobId: known.jobId,
      state: known.jobId === null ? (known.outcome ?? 'unknown') : phase,
      earlier: manifest.earlierJobs ?? [],
    },
    ...(known.jobId === null
      ? {}
      : {
          job: {
            phase,
            word,
            restarts: 0,
            reason: known.knowledge.job?.reason ?? null,
            user: manifest.user,
            excluded: [],
            parts: 1,
            startTime: known.knowledge.job?.startTime ?? null,
          },
        }),
  };
}

/** The run again, in its own directory, with what is to be different: by its own script, or by one that is rendered anew. */
export const resubmit: Deed = {
  see,
  isSo: () => false,
  held: ({ expects }, { run, job }) => {
    if (run?.jobId == null) return { rail: 'blind', why: 'it is not known which job the run is' };
    if (job?.phase !== 'ended')
      return {
        rail: 'stale',
        why: `the job is ${job?.word ?? 'unknown'}: only what has ended is submitted again`,
      };
    return expects.phases.includes('ended')
      ? undefined
      : { rail: 'stale', why: 'the job has ended since the plan was made' };
  },
  act: async (system, step, context) => {
    const manifest = await runOf(system, step.act.runId);
    await setAside(system, manifest, step);
    const input =
      isChanged(step.act.change) || step.action === 'raise-limit'
        ? await inputFor(system, manifest, step, context)
        : null;
    const submitted = await resubmitRun(system, manifest, input, step.command.slice(2, -1));
    const different = changeText(step.act.change);
    return `job ${submitted.jobId}${different === '' ? '' : `, ${different}`}`;
  },
  judge: (_act, { run: before }, { run: after }) => {
    if (!before || !after) return 'unknown';
    if (after.jobId !== null) return after.jobId === before.jobId ? 'not-done' : 'done';
    return after.state === 'not-found' || after.state === 'never-accepted' ? 'not-done' : 'unknown';
  },
  undone: async (system, { id, act }) => {
    const manifest = await runOf(system, act.runId);
    await takeBackSubmission(system, manifest);
    // Or a second try would take the one that is left for the newest, and go back further.
    if (act.change.beforeStep !== null)
      await takeCheckpointsBack(await checkpointsOf(manifest, await checkpointRule(system, manifest)), id);
  },
};

async function inputFor(system: System, manifest: Manifest, { act }: Step, { config }: DeedContext) {
  const words = Object.entries(act.change.set).map(([name, value]) => `${name}=${value}`);
  return (await rerunOf(system, config, manifest)).inputWith(parseSettings(words));
}

/** Checkpoints from the step on are moved away, so that the newest that is left is an older one. */
async function setAside(system: System, manifest: Manifest, { id, act }: Step): Promise<void> {
  const { beforeStep } = act.change;
  if (beforeStep === null) return;
  const rule = await checkpointRule(system, manifest);
  if (rule.tracker !== undefined)
    throw new OpsError(`this trainer reads in ${rule.tracker} which checkpoint is its newest`, {
      exitCode: EXIT.failed,
      hint: `Write the number of an older one into it, then: opsctl runbook run ${manifest.runId} --only resubmit`,
    });
  const directory = await checkpointsOf(manifest, rule);
  const steps = (await readdir(directory)).flatMap((name) => {
    const parts = checkpointName(name, rule.name);
    return parts === undefined ? [] : [{ name, step: parts.step }];
  });
  // A second time after a crash: what was to go has gone.
  const newer = steps.filter(({ step }) => step >= beforeStep).map(({ name }) => name);
  if (steps.length === newer.length && newer.length > 0)
    throw new OpsError(`the run has no checkpoint before step ${beforeStep}`);
  await setCheckpointsAside(directory, newer, id);
}
