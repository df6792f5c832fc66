import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alert } from '../alert/alert.ts';
import { readAttempts } from '../run/attempts.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { isActive, jobState } from '../slurm/states.ts';
import type { System } from '../system/system.ts';
import type { Gathered } from '../watch/gather-scene.ts';
import { attemptOf } from '../watch/happening.ts';
import type { RunMemory } from '../watch/memory.ts';
import { slurmOfPutBack } from '../watch/put-back.ts';
import type { Scene } from '../watch/rule.ts';
import { byName, jobOf } from '../watch/runs.ts';
import { diagnoseEnd, targetOf } from '../watch/settle.ts';
import { troubleOf } from '../watch/trouble.ts';

/** A run that ended badly, or was put back into the queue, and of which the watcher keeps nothing. */
export interface RecentEnd {
  readonly runId: string;
  readonly memory: RunMemory;
  /** The ended job as Slurm has it; undefined where only its own record says so. */
  readonly job: SlurmJob | undefined;
  readonly attempt: string;
  readonly isRequeued: boolean;
  /** Milliseconds since 1970; null where nobody says. */
  readonly endedAt: number | null;
}

/** How far back an end is news to whoever is called at night. */
export const LOOK_BACK_MS = 24 * 3_600_000;
/** Logs that are read: the newest ends, so that the answer is there in seconds. */
const MOST_DIAGNOSED = 8;
/** Directories that are looked at at the same time. */
const AT_ONCE = 64;

/**
 * Bad ends of the last day, newest first, but for those that the watcher tells of or has settled. Pure.
 * @param records ends by the jobs' own records, for runs that Slurm says nothing of.
 */
export function recentEnds(
  { scene, runs, events }: Gathered,
  records: ReadonlyMap<string, number>,
): RecentEnd[] {
  const { now, look } = scene;
  const queue = byName(look.queue ?? []);
  const accounting = byName(look.accounting ?? []);
  const requeued = new Map(
    events.flatMap(({ runId, happening, queued }) =>
      happening.kind === 'requeued' ? [[runId, { attempt: happening.attempt, queued }] as const] : [],
    ),
  );
  const ends = [...runs].flatMap(([runId, memory]): RecentEnd[] => {
    if (memory.trouble !== null) return [];
    const base = { runId, memory };
    const again = requeued.get(runId);
    if (again !== undefined)
      return [{ ...base, job: again.queued, attempt: again.attempt, isRequeued: true, endedAt: null }];
    const queued = jobOf(memory, queue);
    if (queued !== undefined && isActive(queued.state)) return [];
    const job = queued ?? jobOf(memory, accounting);
    if (job !== undefined) {
      const attempt = attemptOf(job.jobId, job.startTime ?? job.endTime);
      if (job.state.outcome !== 'failed' || memory.handled === attempt) return [];
      return [{ ...base, job, attempt, isRequeued: false, endedAt: (job.endTime ?? 0) * 1000 }];
    }
    const endedAt = records.get(runId);
    if (endedAt === undefined || memory.handled !== null) return [];
    return [{ ...base, job: undefined, attempt: attemptOf(memory.jobId, null), isRequeued: false, endedAt }];
  });
  return ends
    .filter(({ endedAt }) => endedAt === null || now.getTime() - endedAt < LOOK_BACK_MS)
    .sort((one, other) => (other.endedAt ?? Infinity) - (one.endedAt ?? Infinity));
}

/** When runs that Slurm says nothing of ended badly by their own record: milliseconds since 1970, by run. */
export async function recordedEnds({ scene, runs }: Gathered): Promise<Map<string, number>> {
  const { now, look } = scene;
  const known = [byName(look.queue ?? []), byName(look.accounting ?? [])];
  const silent = [...runs].filter(
    ([, memory]) => memory.jobId !== null && known.every((jobs) => jobOf(memory, jobs) === undefined),
  );
  const found = new Map<string, number>();
  for (let start = 0; start < silent.length; start += AT_ONCE)
    await Promise.all(
      silent.slice(start, start + AT_ONCE).map(async ([runId, { outputDir }]) => {
        // Written by rename: the directory is as young as the record, and most runs are told by this alone.
        const directory = await stat(join(outputDir, 'attempts')).catch(() => undefined);
        if (directory === undefined || now.getTime() - directory.mtimeMs > LOOK_BACK_MS) return;
        const last = (await readAttempts(outputDir).catch(() => [])).at(-1);
        const endedAt = Date.parse(last?.endedAt ?? '');
        const isBad = last?.reason === 'failed' || last?.reason === 'gate';
        if (isBad && last?.requeued !== true && Number.isFinite(endedAt)) found.set(runId, endedAt);
      }),
    );
  return found;
}

/** The ends as alerts; the newest with their cause. */
export async function alertsOfEnds(
  system: System,
  ends: readonly RecentEnd[],
  { now, look }: Pick<Scene, 'now' | 'look'>,
): Promise<{ alerts: Alert[]; undiagnosed: number }> {
  const alerts = await Promise.all(
    ends.map(async (end, index): Promise<Alert> => {
      const { runId, memory, attempt, isRequeued, endedAt } = end;
      const job = end.job ?? { jobId: memory.jobId ?? '?', state: jobState('FAILED') };
      const target = index < MOST_DIAGNOSED ? await targetOf(system, runId) : undefined;
      const diagnosis =
        target === undefined
          ? { status: 'unknown' as const, causes: [] }
          : await diagnoseEnd(
              system,
              target,
              isRequeued ? await slurmOfPutBack(target, memory, end.job, look) : { newest: end.job },
            );
      const { alert } = troubleOf(
        { runId, memory, job, attempt, ran: end.job?.nodes, isRequeued, diagnosis },
        now,
      );
      const isCauseKnown = diagnosis.status === 'diagnosed';
      return {
        ...alert,
        since: new Date(endedAt ?? now.getTime()).toISOString(),
        command: isCauseKnown ? alert.command : `opsctl diagnose ${runId}`,
      };
    }),
  );
  return { alerts, undiagnosed: Math.max(0, ends.length - MOST_DIAGNOSED) };
}
