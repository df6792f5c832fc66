import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { readAttempts } from '../run/attempts.ts';
import type { Attempt } from '../run/manifest.ts';
import { type Comparison, compareCurves } from './curve.ts';
import type { Drill, Moment, Run, Stage } from './drill.ts';
import { disturbedCurve, submitTraining, type Theatre, undisturbedCurve } from './theatre.ts';
import { finished } from './wait.ts';

/** What `opsctl drill --json` prints of one drill. */
export interface DrillResult {
  readonly drill: string;
  readonly rows: readonly number[];
  /**
   * `equal`: the run finished as the undisturbed one, to the bit. `stopped`: it rightly ended. `different`: it
   * finished, but not the same. `failed`: the fault was not found, or the run did not go on.
   */
  readonly verdict: 'equal' | 'stopped' | 'different' | 'failed';
  /** Why it is neither equal nor stopped; empty when it is. */
  readonly why: string;
  /** Seconds after the fault was done; null for what did not happen, or cannot be told. */
  readonly seconds: Readonly<Record<Moment, number | null>>;
  readonly events: readonly string[];
  readonly attempts: readonly Attempt[];
  readonly comparison: Comparison | null;
}

/** Plays one drill. What goes wrong in it is its result, so that the others can be played. */
export async function play(
  theatre: Theatre,
  drill: Drill,
  note: (line: string) => void,
): Promise<DrillResult> {
  const directory = join(theatre.system.cwd, drill.name);
  await mkdir(directory);
  await cp(join(theatre.system.cwd, 'data'), join(directory, 'data'), { recursive: true });
  const events: string[] = [];
  const seconds: Record<Moment, number | null> = { noticed: null, diagnosed: null, running: null };
  let began = performance.now();
  const stage: Stage = {
    system: { ...theatre.system, cwd: directory },
    sandbox: theatre.sandbox,
    directory,
    event: (line) => {
      events.push(line);
      note(`${drill.name}: ${line}`);
    },
    injected: () => {
      began = performance.now();
    },
    mark: (moment) => {
      seconds[moment] ??= Math.round((performance.now() - began) / 100) / 10;
    },
  };
  const shown = { drill: drill.name, rows: drill.rows, seconds, events };
  let run: Run | undefined;
  try {
    await drill.before?.(stage);
    run = await submitTraining(stage.system, join(directory, 'data'), drill.name, drill.parameters);
    note(`${drill.name}: training as job ${run.jobId}, in ${directory}`);
    await drill.disturb({ ...stage, run });
    if (drill.ends === 'stopped') {
      await end(stage, run);
      return { ...shown, ...(await stopped(run)) };
    }
    await finished(run);
    const comparison = compareCurves(await disturbedCurve(run), await undisturbedCurve(theatre));
    const attempts = await readAttempts(run.outputDir);
    return { ...shown, ...judge(drill, attempts, comparison), attempts, comparison };
  } catch (error) {
    if (!(error instanceof OpsError)) throw error;
    note(`${drill.name}: ${error.message}`);
    const attempts = run === undefined ? [] : await readAttempts(run.outputDir);
    if (run !== undefined) await end(stage, run);
    return { ...shown, verdict: 'failed', why: error.message, attempts, comparison: null };
  } finally {
    await drill.after?.(stage);
  }
}

/** The next drill needs its nodes. */
async function end({ system }: Stage, run: Run): Promise<void> {
  await system.exec(['scancel', run.jobId], { env: system.env });
}

async function stopped(run: Run): Promise<Pick<DrillResult, 'verdict' | 'why' | 'attempts' | 'comparison'>> {
  const attempts = await readAttempts(run.outputDir);
  const isOne = attempts.length === 1;
  const why = isOne ? '' : 'the run was started again';
  return { verdict: isOne ? 'stopped' : 'failed', why, attempts, comparison: null };
}

/** A drill in which nothing happened proves nothing. */
export function judge(
  drill: Pick<Drill, 'before'>,
  attempts: readonly Attempt[],
  comparison: Comparison,
): Pick<DrillResult, 'verdict' | 'why'> {
  if (attempts.length < 2 && drill.before === undefined)
    return { verdict: 'failed', why: 'the run was not interrupted' };
  if (!comparison.equal) return { verdict: 'different', why: 'the two runs are not the same' };
  return { verdict: 'equal', why: '' };
}
