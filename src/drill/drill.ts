import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EMPTY_PROFILE } from '../config/empty-profile.ts';
import { OpsError } from '../errors.ts';
import { readAttempts } from '../run/attempts.ts';
import type { Attempt } from '../run/manifest.ts';
import { submitRun } from '../run/submit.ts';
import { clientEnvironment } from '../sandbox/client.ts';
import { layout, type Sandbox } from '../sandbox/sandbox.ts';
import { poll } from '../sandbox/wait.ts';
import { packageRoot } from '../system/package.ts';
import { home, type System } from '../system/system.ts';
import { loadTemplate } from '../template/load.ts';
import { resolveParameters } from '../template/resolve.ts';
import { version } from '../version.ts';
import { curveOf } from './curve.ts';

/** A fault that is done to a real training in the sandbox. A new drill is one file, and one line in `drills.ts`. */
export interface Drill {
  readonly name: string;
  /** What it does, as `opsctl drill --help` says it. */
  readonly summary: string;
  /** Parameters of the run that is disturbed, beside those of every drill. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Does it, and returns when the last attempt is under way. Each line says what was done. */
  readonly disturb: (scene: Scene) => Promise<string[]>;
}

export interface Run {
  readonly jobId: string;
  readonly outputDir: string;
}

/** Where a drill acts: a sandbox with one run to disturb. */
export interface Scene {
  /** Speaks to the sandbox's Slurm. */
  readonly system: System;
  readonly run: Run;
  readonly note: (line: string) => void;
}

/** The steps of a drill's training: enough for four attempts with a checkpoint in each. */
export const STEPS = 32;
const SAVE_STEPS = 4;
export const WAIT_MS = 120_000;
const PYTHON = '/usr/bin/python3';

/** Everything that is the same for the run that is disturbed and for the one that is not. */
const PARAMETERS = {
  model: 'tiny',
  python: PYTHON,
  nodes: 2,
  processes_per_node: 1,
  cpus_per_node: 1,
  max_steps: STEPS,
  save_steps: SAVE_STEPS,
  eval_steps: STEPS,
  logging_steps: 1,
  per_device_train_batch_size: 4,
};

/** Makes the data, submits both runs, disturbs one, waits for both, and gives where they lie. */
export async function play(system: System, sandbox: Sandbox, drill: Drill, note: (line: string) => void) {
  const own = await mkdtemp(join(await sharedOf(sandbox), `drill-${drill.name}-`));
  const inside: System = {
    ...system,
    cwd: own,
    env: { ...system.env, ...clientEnvironment(system.env, sandbox), OPSCTL_HOME: join(own, 'state') },
  };
  await makeData(inside, join(own, 'data'));
  const reference = await submit(inside, 'undisturbed', { partition: 'gpu', nodelist: 'gnode[03-04]' });
  const run = await submit(inside, 'disturbed', { nodelist: 'gnode[01-02]', ...drill.parameters }, [
    // Long enough to be killed in.
    ...['--checkpoint_delay', '0.5'],
  ]);
  note(`training twice, in ${own}: undisturbed as job ${reference.jobId}, disturbed as job ${run.jobId}`);
  const events = await drill.disturb({ system: inside, run, note });
  const lastAttempt = await finished(run);
  await finished(reference);
  note('both have ended');
  return {
    directory: own,
    events,
    attempts: await readAttempts(run.outputDir),
    lastAttempt,
    disturbed: await curveOf(run.outputDir, STEPS),
    undisturbed: await curveOf(reference.outputDir, STEPS),
  };
}

async function sharedOf(sandbox: Sandbox): Promise<string> {
  const { shared } = layout(sandbox.dir);
  await mkdir(shared, { recursive: true });
  return shared;
}

async function makeData(system: System, directory: string): Promise<void> {
  const script = join(packageRoot(), 'examples', 'lm', 'make_data.py');
  const made = await system.exec([PYTHON, script, '--out', directory, '--samples', '400'], {
    timeoutMs: 30_000,
  });
  if (made.code !== 0) throw new OpsError(`the drill's data could not be made: ${made.stderr.trim()}`);
}

async function submit(
  system: System,
  name: string,
  more: Readonly<Record<string, string | number>>,
  trainerFlags: readonly string[] = [],
): Promise<Run> {
  const template = await loadTemplate(system.env, 'sft', 'example');
  const given = {
    ...PARAMETERS,
    data: join(system.cwd, 'data'),
    output: join(system.cwd, 'runs'),
    name,
    ...more,
  };
  const values = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, { value, where: 'the drill' }]),
  );
  const around = { cwd: system.cwd, home: home(system.env), exists: () => false };
  const { manifest } = await submitRun(system, {
    template,
    parameters: resolveParameters(template.parameters, [{ source: 'flag', values }], around),
    trainerFlags,
    profile: EMPTY_PROFILE,
    now: system.now(),
    version: version(),
    packageRoot: packageRoot(),
    again: true,
    preflight: false,
    sbatchOptions: [],
  });
  if (manifest.jobId === null) throw new OpsError(`Slurm did not say which job "${name}" is`);
  return { jobId: manifest.jobId, outputDir: manifest.outputDir };
}

/** The record of an attempt once it fulfils what is asked. */
export async function attemptThat(
  run: Run,
  number: number,
  what: string,
  ask: (attempt: Attempt) => boolean,
): Promise<Attempt> {
  const found = await poll(WAIT_MS, async () =>
    (await readAttempts(run.outputDir)).find((attempt) => attempt.attempt === number && ask(attempt)),
  );
  return found ?? giveUp(run, `attempt ${number} ${what}`);
}

/** Waits until the run has logged a step behind `step`, so that what is disturbed is a training that goes on. */
export async function steppedBeyond(run: Run, step: number): Promise<number> {
  const reached = await poll(WAIT_MS, async () => {
    const log = await readFile(join(run.outputDir, 'logs', 'job.log'), 'utf8').catch(() => '');
    // Of the attempt that runs: what an earlier one logged is no progress of this one.
    const own = log.slice(Math.max(0, log.lastIndexOf(`of job ${run.jobId} on `)));
    const steps = [...own.matchAll(/step=(\d+)\/\d+ epoch/g)].map((match) => Number(match[1]));
    const newest = steps.at(-1) ?? 0;
    return newest > step ? newest : undefined;
  });
  return reached ?? giveUp(run, `a step after ${step}`);
}

/**
 * Seconds after a requeue at which the job may start again. slurmd counts in whole seconds: a credential made in the
 * second in which the last attempt's was revoked is refused ("Job credential revoked"), and the job has failed.
 */
const RESTART_SECONDS = 2;

/** Slurm holds a requeued job back until its old credential has expired; an operator may shorten that. */
export async function startNow(system: System, run: Run, attempt: number): Promise<void> {
  const began = await poll(WAIT_MS, async () => {
    if ((await readAttempts(run.outputDir)).some((one) => one.attempt === attempt)) return true;
    if (await heldBack(system, run)) {
      const start = `StartTime=now+${RESTART_SECONDS}seconds`;
      await system.exec(['scontrol', 'update', `JobId=${run.jobId}`, start], { env: system.env });
    }
    return undefined;
  });
  if (!began) giveUp(run, `the start of attempt ${attempt}`);
}

/** It waits for longer than it has to. The end of the last attempt sets the time anew, so this is asked again. */
async function heldBack(system: System, run: Run): Promise<boolean> {
  const argv = ['squeue', '--noheader', '--states=PENDING', `--jobs=${run.jobId}`, '--format=%r %S'];
  const { stdout } = await system.exec(argv, { env: { ...system.env, SLURM_TIME_FORMAT: '%s' } });
  const [reason, start] = stdout.trim().split(' ');
  return reason === 'BeginTime' && Number(start) > system.now().getTime() / 1000 + RESTART_SECONDS + 1;
}

async function finished(run: Run): Promise<number> {
  const last = await poll(WAIT_MS, async () =>
    (await readAttempts(run.outputDir)).find(({ reason }) => reason === 'finished'),
  );
  return (last ?? giveUp(run, 'its end')).attempt;
}

function giveUp(run: Run, what: string): never {
  throw new OpsError(`the drill waited ${WAIT_MS / 1000} s in vain for ${what} of job ${run.jobId}`, {
    hint: `Its log: ${join(run.outputDir, 'logs', 'job.log')}`,
  });
}
