import type { WatchConfig } from '../config/watch-schema.ts';
import { type Reading, readMetricLine, withoutLabels } from '../run/metric-lines.ts';
import { readMetrics } from '../run/metrics.ts';
import { parseDuration } from '../slurm/duration.ts';

/** What a run is at: each has a rhythm of its own. */
export type Stage = 'start' | 'step' | 'evaluation' | 'checkpoint';

/** How one attempt moves, kept between two looks. Times are milliseconds since 1970. */
export interface Progress {
  /** When the attempt began, as Slurm says. */
  readonly began: number;
  readonly step: number | null;
  readonly steppedAt: number | null;
  /** When anything was last written to the log. */
  readonly grewAt: number | null;
  readonly checkpointAt: number | null;
  readonly stage: Stage;
  readonly stageSince: number;
  /** Longest ordinary pause of each stage, in seconds; older ones fade. */
  readonly rhythm: Partial<Readonly<Record<Stage, number>>>;
  /** The newest last, at most WINDOW: losses and tokens per GPU per second. */
  readonly losses: readonly number[];
  readonly speeds: readonly number[];
  /** The newest loss or gradient norm is NaN or infinite. */
  readonly diverged: boolean;
  /** Looks in a row that saw no progress for too long. */
  readonly strikes: number;
}

/** What a look found of a run's output since the last one. */
export interface Growth {
  readonly lines: readonly string[];
  /** When the log was last written to; null when there is none. */
  readonly writtenAt: number | null;
  readonly checkpointAt: number | null;
}

export const WINDOW = 60;
/** What is left of a longest pause after one more pause: a slow hour is forgotten after a day. */
const FADE = 0.98;

const EVALUATION = /Running Evaluation|\bevaluat(?:e|ing|ion)\b|\bEval(?:uating)?\b.{0,40}\d+%\|/i;
const SAVING =
  /\bsav(?:e|ing) (?:model )?checkpoint|\bsaving (?:the )?(?:model|state|optimizer)|checkpoint.{0,60}\bsav(?:ed|ing)\b/i;

/** A run's first progress, or that of a new attempt: what was learned of its rhythm is kept. */
export function beginProgress(began: number, before?: Progress): Progress {
  return {
    began,
    step: null,
    steppedAt: null,
    grewAt: null,
    checkpointAt: null,
    stage: 'start',
    stageSince: began,
    rhythm: before?.rhythm ?? {},
    losses: before?.losses ?? [],
    speeds: before?.speeds ?? [],
    diverged: false,
    strikes: 0,
  };
}

/** Takes in what was written since the last look. Pure: nothing but the lines and their time counts. */
export function advance(
  before: Progress,
  { lines, writtenAt, checkpointAt }: Growth,
  parameters: Parameters<typeof readMetrics>[1] = {},
): Progress {
  const readings = lines.flatMap((line) => readMetricLine(withoutLabels(line)) ?? []);
  const at = Math.max(writtenAt ?? 0, before.grewAt ?? before.began);
  const steps = new Set(readings.flatMap(({ step }) => (step === undefined ? [] : [step])));
  const newest = [...steps].at(-1) ?? null;
  const moved = newest !== null && newest !== before.step;
  const stage = stageOf(lines, before.stage);
  const left = stage !== before.stage || moved;
  const metrics = readMetrics(lines.join('\n'), parameters);
  return {
    ...before,
    step: newest ?? before.step,
    steppedAt: moved ? at : before.steppedAt,
    grewAt: lines.length > 0 ? at : before.grewAt,
    checkpointAt: checkpointAt ?? before.checkpointAt,
    stage,
    stageSince: stage === before.stage ? before.stageSince : at,
    rhythm: left ? learned(before, at, Math.max(1, steps.size)) : before.rhythm,
    losses: [...before.losses, ...lossesOf(readings)].slice(-WINDOW),
    speeds: [...before.speeds, ...(moved && metrics.tgs !== null ? [metrics.tgs] : [])].slice(-WINDOW),
    diverged: readings.some(hasMetric) ? metrics.diverged : before.diverged,
  };
}

function lossesOf(readings: readonly Reading[]): number[] {
  return readings.flatMap(({ loss }) => (loss !== undefined && Number.isFinite(loss) ? [loss] : []));
}

function hasMetric({ loss, gradNorm }: Reading): boolean {
  return loss !== undefined || gradNorm !== undefined;
}

/** The last line that says what is being done decides. */
function stageOf(lines: readonly string[], before: Stage): Stage {
  for (const line of lines.toReversed()) {
    if (SAVING.test(line)) return 'checkpoint';
    if (readMetricLine(withoutLabels(line))?.step !== undefined) return 'step';
    if (EVALUATION.test(line)) return 'evaluation';
  }
  return before;
}

function learned(before: Progress, at: number, parts: number): Progress['rhythm'] {
  const { stage, steppedAt, stageSince, rhythm } = before;
  const from = stage === 'step' ? Math.max(steppedAt ?? 0, stageSince) : stageSince;
  const pause = Math.max(0, at - from) / 1000 / parts;
  return { ...rhythm, [stage]: Math.max(pause, (rhythm[stage] ?? 0) * FADE) };
}

/** When the attempt last gave a sign of life, and after how many seconds without one it counts as hung. */
export function patience(
  progress: Progress,
  config: WatchConfig,
): { readonly lastSign: number; readonly seconds: number; readonly isLearned: boolean } {
  const floor = parseDuration(config.hang_floor) ?? 0;
  const ceiling = Math.max(floor, parseDuration(config.hang_ceiling) ?? floor);
  const { began, steppedAt, grewAt, checkpointAt, stage, rhythm } = progress;
  const moved = Math.max(began, steppedAt ?? 0, checkpointAt ?? 0);
  const grew = Math.max(moved, grewAt ?? 0);
  const own = rhythm[stage];
  const seconds = own === undefined ? ceiling : Math.min(ceiling, Math.max(floor, own * config.hang_factor));
  // A log that grows without a step is a sign of life, but not for ever: a watchdog's complaints are lines too.
  const isChatter = steppedAt !== null && stage === 'step' && grew - moved > ceiling * 1000;
  return { lastSign: isChatter ? moved : grew, seconds, isLearned: own !== undefined };
}

/** One look's verdict: a strike, or the count begins anew. */
export function judged(progress: Progress, config: WatchConfig, now: number): Progress {
  const { lastSign, seconds } = patience(progress, config);
  return { ...progress, strikes: now - lastSign > seconds * 1000 ? progress.strikes + 1 : 0 };
}
