import type { ConfigChoice } from '../config/load.ts';
import type { Profile } from '../config/schema.ts';
import { isActive } from '../slurm/states.ts';
import type { System } from '../system/system.ts';
import { type ActContext, type Action, act } from './act.ts';
import { isBad, type ReadEnd, readBadEnd, settled } from './ending.ts';
import type { Gathered } from './gather-scene.ts';
import type { RunMemories, Trouble } from './memory.ts';
import type { Scene } from './rule.ts';
import { targetOf } from './settle.ts';
import { spreadOf } from './spread.ts';
import { withAction } from './trouble.ts';

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

/**
 * Takes in what became of the runs: a good end is written down, a bad one is diagnosed and answered. All are read before
 * the first is answered, so that the breaker knows how wide a fault is.
 */
export async function answerEvents(
  system: System,
  gathered: Gathered,
  context: AnswerContext,
): Promise<EndAnswers> {
  const runs = new Map(gathered.runs);
  const ends: ReadEnd[] = [];
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
    const end = await readBadEnd(system, event, run, context.scene);
    runs.set(event.runId, end?.run ?? settled(run, event));
    if (end !== undefined) ends.push(end);
  }
  const actions: Action[] = [];
  const spread = spreadOf(runs, context.scene);
  for (const { runId, run, target, diagnosis, at, isOld } of ends) {
    if (isOld || run.trouble === null || diagnosis.status !== 'diagnosed') continue;
    const action = await act(system, target, diagnosis, contextOf(context, spread, run.trouble, at));
    actions.push(action);
    const waiting = { diagnosis, endedAt: at?.toISOString() ?? null };
    const trouble = withAction(run.trouble, action);
    runs.set(runId, { ...run, trouble, ...(action.waits ? { waiting } : {}) });
  }
  return { runs, actions, left };
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
  const spread = spreadOf(before, context.scene);
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
    const action = await act(system, target, diagnosis, contextOf(context, spread, run.trouble, seenAt));
    if (action.waits) continue;
    actions.push(action);
    runs.set(runId, { ...run, trouble: withAction(run.trouble, action) });
  }
  return { runs, actions };
}

function contextOf(
  { profile, choice }: AnswerContext,
  spread: ReturnType<typeof spreadOf>,
  { alert }: Trouble,
  seenAt: Date | null,
): ActContext {
  return { profile, choice, fleet: spread(alert.fault), seenAt };
}
