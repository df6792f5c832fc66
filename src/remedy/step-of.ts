import { createHash } from 'node:crypto';
import type { Cause } from '../diagnosis/rank.ts';
import { wordsFor } from './commands.ts';
import { isAct } from './entry.ts';
import { LEVELS } from './rails.ts';
import type { PlanRequest } from './request.ts';
import type { Act, ActionName, Step } from './step.ts';

/** One act as a step: its command, its id, and the state it was planned on. */
export function stepOf(
  action: ActionName,
  act: Act,
  request: PlanRequest,
  cause: Cause | null,
  excluded: readonly string[],
  after: Partial<Step['expects']>,
): Step {
  const { job, run, history, actor } = request;
  const current = job === 'blind' ? null : job;
  const fault = cause?.fault ?? null;
  const attempt = `${current?.jobId ?? ''}.${current?.restarts ?? ''}`;
  // A person may do the same twice; automation may not.
  const turn = actor.attended
    ? history.filter(
        (entry) =>
          isAct(entry) &&
          entry.action === action &&
          entry.outcome?.result === 'done' &&
          sameThing(entry.act, act),
      ).length
    : 0;
  const id = digest([run?.runId ?? null, attempt, fault, action, act, turn]);
  const reason = request.nodes.find(({ node }) => node === act.nodes[0])?.reason ?? null;
  const around = {
    run,
    cause: fault ?? 'asked for by hand',
    excluded,
    jobExcludes: current?.excluded ?? [],
    jobRequires: current?.required ?? [],
    waits: current?.state.phase === 'pending',
    nodeReason: reason?.replace(/[\u0000-\u001f\u007f]+/g, ' ') ?? null,
  };
  return {
    id,
    action,
    act,
    ...wordsFor(action, act, around, id),
    reason: reasonOf(cause),
    level: LEVELS[action],
    expects: {
      restarts: act.jobId === null ? null : (current?.restarts ?? null),
      phases: act.jobId === null || current === null ? [] : [current.state.phase],
      ...after,
    },
  };
}

function reasonOf(cause: Cause | null): string {
  return cause === null ? 'asked for by hand' : `${cause.fault}: ${cause.summary}`;
}

function sameThing(one: Act, other: Act): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
