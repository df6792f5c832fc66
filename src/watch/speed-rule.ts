import { median } from './median.ts';
import { alertOf, type Rule, running, said } from './rule.ts';

/** Readings that must be slow in a row, and those before them that say what is usual. */
const NEWEST = 5;
const ENOUGH = 15;

/** Tokens per GPU per second that fall and stay low (row 18): measured against the run's own past, not another run. */
export const speedRule: Rule = {
  faults: ['speed-fall'],
  couldSee: (scene) => running(scene).every(({ isRead }) => isRead),
  judge: (scene) =>
    running(scene).flatMap(({ runId, memory }) => {
      const speeds = memory.progress?.speeds ?? [];
      const newest = speeds.slice(-NEWEST);
      const usual = median(speeds.slice(0, -NEWEST));
      const now = median(newest);
      if (speeds.length < ENOUGH || usual === undefined || now === undefined) return [];
      if (!newest.every((speed) => speed < (usual * scene.config.speed_fall) / 100)) return [];
      return [
        alertOf(scene, {
          fault: 'speed-fall',
          target: runId,
          severity: 'warning',
          summary: `${now.toFixed(0)} tokens per GPU per second, ${((now / usual) * 100).toFixed(0)} % of the usual ${usual.toFixed(0)}`,
          runs: [runId],
          evidence: [said(`TGS of the newest looks: ${newest.map((speed) => speed.toFixed(0)).join(', ')}`)],
          command: `opsctl status ${runId}`,
        }),
      ];
    }),
};
