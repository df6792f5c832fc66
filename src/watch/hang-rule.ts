import { formatDuration } from '../slurm/duration.ts';
import { attemptOf } from './happening.ts';
import type { Answer, RunMemory } from './memory.ts';
import { patience } from './progress.ts';
import { alertOf, type Rule, running, type Scene, said, type Watched } from './rule.ts';

/** Looks in a row without progress before a run is said to hang: one may be a slow file system. */
export const STRIKES = 2;

/** Runs that are known to stand still now. */
export function hungRuns(scene: Scene): Watched[] {
  return running(scene).filter(({ isRead, memory }) => isRead && (memory.progress?.strikes ?? 0) >= STRIKES);
}

/**
 * Runs that run without moving: neither log nor step nor checkpoint for longer than their own rhythm allows. The use
 * of GPUs says nothing: a hung collective spins at 100 %.
 */
export const hangRule: Rule = {
  faults: ['hang'],
  couldSee: (scene) => running(scene).every(({ isRead }) => isRead),
  judge: (scene) =>
    hungRuns(scene).map(({ runId, memory, job }) => {
      const { progress } = memory;
      const { lastSign, seconds, isLearned } = progress
        ? patience(progress, scene.config)
        : { lastSign: 0, seconds: 0, isLearned: false };
      const quiet = formatDuration((scene.now.getTime() - lastSign) / 1000);
      const rhythm = isLearned
        ? `its own rhythm allows ${formatDuration(seconds)}`
        : `more than ${formatDuration(seconds)} at no stage`;
      const { suspect, lines } = answerTo(memory);
      const at = progress?.step === null ? 'before its first step' : `at step ${progress?.step}`;
      return alertOf(scene, {
        fault: 'hang',
        target: runId,
        severity: 'critical',
        summary: `no progress for ${quiet} ${at} (${progress?.stage}); ${rhythm}${suspect === null ? '' : `; ${suspect.why}`}`,
        runs: [runId],
        nodes: suspect === null ? [] : [suspect.node],
        since: lastSign,
        evidence: [
          ...(suspect === null ? [] : [said(suspect.why)]),
          ...lines.map(said),
          said(
            `job ${job?.jobId} is RUNNING on ${job?.nodes}; last sign of life ${new Date(lastSign).toISOString()}`,
          ),
        ],
        command: `opsctl runbook run ${runId}`,
      });
    }),
};

/** What was done about an earlier attempt is not true of this one. */
function answerTo({ answer, jobId, startTime }: RunMemory): Pick<Answer, 'suspect' | 'lines'> {
  return answer?.attempt === attemptOf(jobId, startTime) ? answer : { suspect: null, lines: [] };
}
