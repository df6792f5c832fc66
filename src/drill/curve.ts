import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import type { Attempt } from '../run/manifest.ts';

/** What a finished training says of itself, in its last checkpoint: every digit of every loss. */
export interface Curve {
  readonly losses: ReadonlyMap<number, number>;
  readonly samplesSeen: number;
  /** Stands for the ids of all samples, in order. */
  readonly samplesCrc: number;
}

export async function curveOf(outputDir: string, step: number): Promise<Curve> {
  const path = join(outputDir, 'checkpoints', `final_${step}`, 'trainer_state.json');
  return readCurve(await readFile(path, 'utf8'), path);
}

export function readCurve(text: string, path: string): Curve {
  const state = JSON.parse(text) as {
    log_history?: readonly { step?: number; loss?: number | null }[];
    samples_seen?: number;
    samples_crc?: number;
  };
  const losses = (state.log_history ?? []).flatMap(({ step, loss }): [number, number][] =>
    step !== undefined && typeof loss === 'number' ? [[step, loss]] : [],
  );
  if (losses.length === 0 || state.samples_seen === undefined || state.samples_crc === undefined)
    throw new OpsError(`${path} holds no loss curve`);
  return { losses: new Map(losses), samplesSeen: state.samples_seen, samplesCrc: state.samples_crc };
}

export interface Comparison {
  readonly steps: number;
  /** Largest difference of two losses of one step; 0 is equal to the bit. Infinity when a step is missing on one side. */
  readonly maxLossDifference: number;
  /** Samples that the disturbed run saw less often, and more often, than the other. */
  readonly samplesLost: number;
  readonly samplesRepeated: number;
  readonly sameOrder: boolean;
  readonly equal: boolean;
}

/** Whether two trainings are one and the same. */
export function compareCurves(disturbed: Curve, undisturbed: Curve): Comparison {
  const steps = new Set([...disturbed.losses.keys(), ...undisturbed.losses.keys()]);
  const differences = [...steps].map((step) => {
    const [one, other] = [disturbed.losses.get(step), undisturbed.losses.get(step)];
    return one === undefined || other === undefined ? Number.POSITIVE_INFINITY : Math.abs(one - other);
  });
  const maxLossDifference = Math.max(0, ...differences);
  const surplus = disturbed.samplesSeen - undisturbed.samplesSeen;
  const sameOrder = disturbed.samplesCrc === undisturbed.samplesCrc;
  return {
    steps: steps.size,
    maxLossDifference,
    samplesLost: Math.max(0, -surplus),
    samplesRepeated: Math.max(0, surplus),
    sameOrder,
    equal: steps.size > 0 && maxLossDifference === 0 && surplus === 0 && sameOrder,
  };
}

/** The attempts as rows of text, the first being the heading. */
export function attemptRows(attempts: readonly Attempt[]): string[][] {
  return [
    ['ATTEMPT', 'RESUMED FROM', 'ENDED', 'REQUEUED', 'EXIT'],
    ...attempts.map(({ attempt, resumedFrom, reason, requeued, exitCode }) => [
      String(attempt),
      resumedFrom === undefined || resumedFrom === null ? 'the start' : `step ${resumedFrom}`,
      reason ?? 'killed',
      requeued ? 'by the script' : '-',
      exitCode === null ? '-' : String(exitCode),
    ]),
  ];
}
