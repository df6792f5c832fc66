import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { readAttempts } from '../run/attempts.ts';
import type { Attempt } from '../run/manifest.ts';
import { poll } from '../sandbox/wait.ts';
import type { System } from '../system/system.ts';
import type { Run } from './drill.ts';

export const WAIT_MS = 120_000;

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
export async function steppedBeyond(run: Run, step: number, attempt = 0): Promise<number> {
  const reached = await poll(WAIT_MS, async () => {
    const log = await readFile(join(run.outputDir, 'logs', 'job.log'), 'utf8').catch(() => '');
    // Of the attempt that runs: what an earlier one logged is no progress of this one.
    const begin = log.lastIndexOf(`\nattempt ${attempt} of job ${run.jobId} `);
    if (begin === -1) return undefined;
    const own = log.slice(begin);
    const failed = /^attempt \d+ ended with exit code [1-9].*/m.exec(own);
    if (failed !== null) giveUp(run, `a step after ${step}: ${failed[0]},`);
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

export async function finished(run: Run): Promise<number> {
  const last = await poll(WAIT_MS, async () =>
    (await readAttempts(run.outputDir)).find(({ reason }) => reason === 'finished'),
  );
  return (last ?? giveUp(run, 'its end')).attempt;
}

function giveUp(run: Run, what: string): never {
  throw new OpsError(`the drill waited in vain for ${what} of job ${run.jobId}`, {
    hint: `Its log: ${join(run.outputDir, 'logs', 'job.log')}`,
  });
}

const OVER = /^(?:COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL|PREEMPTED)$/;

/** The state in which Slurm says that the job has ended. */
export async function endOf(system: System, run: Run): Promise<string> {
  const argv = ['squeue', '--noheader', '--states=all', `--jobs=${run.jobId}`, '--format=%T'];
  const state = await poll(WAIT_MS, async () => {
    const said = (await system.exec(argv, { env: system.env })).stdout.trim();
    return OVER.test(said) ? said : undefined;
  });
  return state ?? giveUp(run, 'the end');
}
