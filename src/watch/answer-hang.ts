import { type OddOne, oddOneOut } from '../remedy/odd-one.ts';
import { levelFor } from '../remedy/policy.ts';
import { readIfThere } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { type Action, act } from './act.ts';
import type { AnswerContext, Answers } from './answer.ts';
import { hungRuns } from './hang-rule.ts';
import { attemptOf } from './happening.ts';
import type { RunMemories } from './memory.ts';
import { diagnosisOfHang, targetOf } from './settle.ts';
import { spreadOf } from './spread.ts';
import { linesOf } from './trouble.ts';

/** Whom the evidence blames that was collected just now: what the act said is the file. */
async function suspectOf({ steps }: Action): Promise<OddOne | undefined> {
  const path = steps.find(({ action, result }) => action === 'collect-evidence' && result === 'done')?.said;
  const evidence = path === undefined ? undefined : await readIfThere(path);
  return evidence === undefined ? undefined : (oddOneOut(evidence) ?? undefined);
}

/** Answers runs that stand still: evidence is collected before anything is ended, and once an attempt. */
export async function answerHangs(
  system: System,
  before: RunMemories,
  { profile, choice, scene }: AnswerContext,
): Promise<Answers> {
  const runs = new Map(before);
  const actions: Action[] = [];
  const fleet = spreadOf(before, scene)('hang');
  for (const { runId, memory } of hungRuns(scene)) {
    const run = runs.get(runId) ?? memory;
    const attempt = attemptOf(run.jobId, run.startTime);
    const level = levelFor(profile.automation, 'hang', runId);
    const known = run.answer?.attempt === attempt ? run.answer : undefined;
    const isAnswered = run.acted === attempt && level <= (known?.level ?? 0);
    if (isAnswered) continue;
    const target = await targetOf(system, runId);
    if (target === undefined) continue;
    const diagnosis = await diagnosisOfHang(system, 'no progress in two looks', null);
    const action = await act(system, target, diagnosis, { profile, choice, fleet, seenAt: null });
    actions.push(action);
    const suspect = (await suspectOf(action)) ?? known?.suspect ?? null;
    // A restart whose time has not come is asked for again at the next look.
    const acted = action.waits ? {} : { acted: attempt };
    runs.set(runId, { ...run, ...acted, answer: { level, suspect, attempt, lines: linesOf(action) } });
  }
  return { runs, actions };
}
