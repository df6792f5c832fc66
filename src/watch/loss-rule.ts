import type { Alert } from '../alert/alert.ts';
import { median } from './median.ts';
import { alertOf, type Rule, running, type Scene, said, type Watched } from './rule.ts';

/** Losses that are needed before one can be unusual, and how many of the newest must be so: one outlier is none. */
const ENOUGH = 12;
const NEWEST = 3;

/** NaN and infinite losses, and losses that jump to many times the usual (row 27). */
export const lossRule: Rule = {
  faults: ['loss-nan', 'loss-spike'],
  couldSee: (scene) => running(scene).every(({ isRead }) => isRead),
  judge: (scene) => running(scene).flatMap((run) => judgeOne(scene, run)),
};

function judgeOne(scene: Scene, { runId, memory }: Watched): Alert[] {
  const { progress } = memory;
  if (progress === null) return [];
  const common = { target: runId, runs: [runId], command: `opsctl runbook run ${runId}` };
  const at = progress.step === null ? '' : ` at step ${progress.step}`;
  if (progress.diverged) {
    const summary = `the loss or its gradient is NaN or infinite${at}: a plain restart brings it back`;
    return [alertOf(scene, { ...common, fault: 'loss-nan', severity: 'critical', summary })];
  }
  const newest = progress.losses.slice(-NEWEST);
  const usual = median(progress.losses.slice(0, -NEWEST));
  if (progress.losses.length < ENOUGH || usual === undefined || usual <= 0) return [];
  if (!newest.every((loss) => loss > usual * scene.config.loss_spike)) return [];
  const now = newest.at(-1) ?? usual;
  return [
    alertOf(scene, {
      ...common,
      fault: 'loss-spike',
      severity: 'warning',
      summary: `the loss is ${now.toPrecision(4)}${at}, ${(now / usual).toFixed(1)} times the usual ${usual.toPrecision(4)}`,
      evidence: [said(`newest losses: ${newest.map((loss) => loss.toPrecision(4)).join(', ')}`)],
      command: `opsctl logs ${runId}`,
    }),
  ];
}
