import type { ConfigChoice } from '../config/load.ts';
import type { Profile } from '../config/schema.ts';
import { isActive } from '../slurm/states.ts';
import type { System } from '../system/system.ts';
import { type ActContext, type Action, act } from './act.ts';
import type { Event, Gathered } from './gather-scene.ts';
import type { RunMemories, RunMemory } from './memory.ts';
import { slurmOfPutBack } from './put-back.ts';
import type { Scene } from './rule.ts';
import { diagnoseEnd, targetOf } from './settle.ts';
import { troubleOf, withAction } from './trouble.ts';

export interface AnswerContext {
  readonly profile: Profile;
  readonly choice: ConfigChoice;
  readonly scene: Scene;
}

export interface Answers {
  readonly runs: RunMemories;
  readonly actions: readonly Action[];
}

export interface EndAnswers extends Answers {
  /** Bad ends that this look had no time for. */
  readonly left: number;
}

/** How long one look begins to read the logs of bad ends; what is left is seen anew at the next. */
const READING_MS = 20_000;

/** Takes in what became of the runs: a good end is written down, a bad one is diagnosed and answered. */
export async function answerEvents(
  system: System,
  gathered: Gathered,
  context: AnswerContext,
): Promise<EndAnswers> {
  const runs = new Map(gathered.runs);
  const actions: Action[] = [];
  const began = system.now().getTime();
  let left = 0;
  for (const event of gathered.events) {
    const run = runs.get(event.runId);
    if (run === undefined) continue;
    if (!isBad(event)) {
      runs.set(event.runId, settled(run, event));
      continue;
    }
    if (system.now().getTime() - began > READING_MS) {
      left++;
      continue;
    }
    const answer = await answerBadEnd(system, event, run, context);
    runs.set(event.runId, answer.run);
    if (answer.action !== null) actions.push(answer.action);
  }
  return { runs, actions, left };
}

function isBad({ happening }: Event): boolean {
  return happening.kind === 'requeued' || happening.job.state.outcome === 'failed';
}

/** What a run is after the event: the attempt is dealt with, and what was kept for reading it is not needed. */
function settled({ waiting: _, ...run }: RunMemory, { happening, queued }: Event): RunMemory {
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

async function answerBadEnd(
  system: System,
  event: Event,
  run: RunMemory,
  { profile, choice, scene }: AnswerContext,
): Promise<{ run: RunMemory; action: Action | null }> {
  const { runId, happening, queued } = event;
  const isRequeued = happening.kind === 'requeued';
  const target = await targetOf(system, runId);
  const after = settled(run, event);
  if (target === undefined) return { run: after, action: null };
  const slurm = isRequeued
    ? await slurmOfPutBack(target, run, queued, scene.look)
    : { newest: happening.job };
  const diagnosis = await diagnoseEnd(system, target, slurm);
  const job = isRequeued ? queued : happening.job;
  const trouble = troubleOf(
    { runId, memory: run, job, attempt: happening.attempt, isRequeued, diagnosis },
    scene.now,
  );
  const at = timeOf(event, run);
  const isOld = at !== null && scene.now.getTime() - at.getTime() > OLD_MS;
  if (diagnosis.status !== 'diagnosed' || (isOld && !isRequeued))
    return { run: { ...after, trouble }, action: null };
  const action = await act(
    system,
    target,
    diagnosis,
    contextOf({ profile, choice, scene }, trouble.alert.nodes.length, at),
  );
  const waiting = { diagnosis, endedAt: at?.toISOString() ?? null };
  return {
    run: { ...after, trouble: withAction(trouble, action), ...(action.waits ? { waiting } : {}) },
    action,
  };
}

/**
 * Restarts whose time may have come: each is planned anew, on what is so now.
 * @param before with what became of the runs at this look.
 */
export async function answerWaiting(
  system: System,
  gathered: Gathered,
  before: RunMemories,
  context: AnswerContext,
): Promise<Answers> {
  const runs = new Map(before);
  const actions: Action[] = [];
  for (const [runId, known] of before) {
    if (known.waiting === undefined || gathered.runs.get(runId)?.waiting === undefined) continue;
    const { waiting, ...run } = known;
    const job = context.scene.runs.find((watched) => watched.runId === runId)?.job;
    const target = await targetOf(system, runId);
    // Somebody else was quicker, or nobody is told of it any more.
    if (run.trouble === null || target === undefined || (job !== undefined && isActive(job.state))) {
      runs.set(runId, run);
      continue;
    }
    const { diagnosis, endedAt } = waiting;
    const seenAt = endedAt === null ? null : new Date(endedAt);
    const action = await act(
      system,
      target,
      diagnosis,
      contextOf(context, run.trouble.alert.nodes.length, seenAt),
    );
    if (action.waits) continue;
    actions.push(action);
    runs.set(runId, { ...run, trouble: withAction(run.trouble, action) });
  }
  return { runs, actions };
}

export function contextOf(
  { profile, choice, scene }: AnswerContext,
  affected: number,
  seenAt: Date | null,
): ActContext {
  return { profile, choice, affected, nodes: scene.look.nodes?.size ?? null, seenAt };
}

/** An end that is older than this when it is seen first is told, and left to a person. */
const OLD_MS = 3_600_000;

/** When the attempt ended; of one whose job runs anew already its start, which makes it older than that. */
function timeOf({ happening, queued }: Event, run: RunMemory): Date | null {
  const seconds = happening.kind === 'ended' ? happening.job.endTime : run.startTime;
  const isNow = happening.kind === 'requeued' && queued?.state.phase === 'pending';
  return seconds === null || isNow ? null : new Date(seconds * 1000);
}
