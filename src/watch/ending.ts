import { compressHostlist } from '../slurm/hostlist.ts';
import type { System } from '../system/system.ts';
import type { Event } from './gather-scene.ts';
import type { RunMemory } from './memory.ts';
import { slurmOfPutBack } from './put-back.ts';
import type { Scene } from './rule.ts';
import { diagnoseEnd, type Known, type RunTarget, targetOf } from './settle.ts';
import { troubleOf } from './trouble.ts';

export function isBad({ happening }: Event): boolean {
  return happening.kind === 'requeued' || happening.job.state.outcome === 'failed';
}

/** What a run is after the event: the attempt is dealt with, and what was kept for reading it is not needed. */
export function settled({ waiting: _, ...run }: RunMemory, { happening, queued }: Event): RunMemory {
  if (happening.kind === 'requeued') {
    const lives = queued !== undefined && queued.state.phase !== 'pending';
    return { ...run, handled: happening.attempt, startTime: lives ? queued.startTime : null, nodes: {} };
  }
  const { jobId, state } = happening.job;
  return {
    ...run,
    jobId,
    over: state.word,
    handled: happening.attempt,
    startTime: null,
    log: null,
    nodes: {},
    parameters: null,
  };
}

/** A bad end with its cause, as far as one is known. */
export interface ReadEnd {
  readonly runId: string;
  /** With the trouble of that end. */
  readonly run: RunMemory;
  readonly target: RunTarget;
  readonly diagnosis: Known;
  readonly at: Date | null;
  /** Told, and left to a person. */
  readonly isOld: boolean;
}

/** @returns undefined when the run was taken away meanwhile. */
export async function readBadEnd(
  system: System,
  event: Event,
  run: RunMemory,
  { look, now }: Scene,
): Promise<ReadEnd | undefined> {
  const { runId, happening, queued } = event;
  const { attempt } = happening;
  const isRequeued = happening.kind === 'requeued';
  const target = await targetOf(system, runId);
  if (target === undefined) return undefined;
  const slurm = isRequeued
    ? await slurmOfPutBack(target, run, queued, look)
    : { newest: happening.job, ran: [] };
  const diagnosis = await diagnoseEnd(system, target, slurm);
  const job = isRequeued ? queued : happening.job;
  const ran = slurm.newest?.nodes || compressHostlist(slurm.ran);
  const trouble = troubleOf({ runId, memory: run, job, attempt, ran, isRequeued, diagnosis }, now);
  const at = timeOf(event, run);
  const isOld = !isRequeued && at !== null && now.getTime() - at.getTime() > OLD_MS;
  return { runId, run: { ...settled(run, event), trouble }, target, diagnosis, at, isOld };
}

/** An end that is older than this when it is seen first is told, and left to a person. */
const OLD_MS = 3_600_000;

/** When the attempt ended; of one whose job runs anew already its start, which makes it older than that. */
function timeOf({ happening, queued }: Event, run: RunMemory): Date | null {
  const seconds = happening.kind === 'ended' ? happening.job.endTime : run.startTime;
  const isNow = happening.kind === 'requeued' && queued?.state.phase === 'pending';
  return seconds === null || isNow ? null : new Date(seconds * 1000);
}
