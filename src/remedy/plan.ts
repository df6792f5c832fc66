import type { Cause } from '../diagnosis/rank.ts';
import { adviceOf } from './advice.ts';
import { build } from './build.ts';
import { type Draft, draftOf, withChange } from './drafts.ts';
import { levelFor, SURE } from './policy.ts';
import { ALREADY, type Held, notOurs, stale } from './rails.ts';
import type { PlanRequest } from './request.ts';
import type { Plan, Refusal } from './step.ts';

/**
 * What to do about a diagnosis: steps in their order, and what is not done and why. Pure. Nothing certain, nothing done:
 * without a cause, without an answer of Slurm's, or on an old event there is no step.
 */
export function makePlan(request: PlanRequest): Plan {
  const { diagnosis, run, job, profile, actor, now } = request;
  const found = diagnosis.status === 'diagnosed' ? (diagnosis.causes[0] ?? null) : null;
  const cause = isByHand(request, found) ? null : found;
  const level = levelFor(profile.automation, cause?.fault ?? null, run?.runId ?? null);
  const jobId = job === null || job === 'blind' ? (run?.jobId ?? null) : job.jobId;
  const shell: Plan = {
    runId: run?.runId ?? null,
    jobId,
    fault: cause?.fault ?? null,
    level,
    blind: job === 'blind',
    steps: [],
    refused: [],
    advice: adviceOf(found, jobId, request),
    exhausted: null,
    evidence: (found?.evidence ?? []).slice(0, 3).map(({ text }) => text),
    confidence: cause?.confidence ?? 0,
    newestStep: request.newestStep,
  };
  const wanted = request.only ?? (cause?.remedies ?? []).map(({ id }) => id);
  if (wanted.length === 0) return shell;
  const held = wholeHeld(request, cause);
  const { drafts, refused } = draftsOf(wanted, request);
  if (held) return { ...shell, refused: [...refused, ...drafts.map(({ action }) => ({ action, ...held }))] };
  const built = build(drafts, request, cause, now);
  const budget = built.budget;
  return {
    ...shell,
    steps: built.steps,
    refused: [...refused, ...built.refused],
    exhausted:
      budget?.verdict === 'exhausted' && !actor.attended
        ? { restarts: budget.used, first: !budget.saidBefore }
        : null,
  };
}

/** A person wants what the runbook does not propose: then the cause is not the reason for it. */
function isByHand({ only }: PlanRequest, found: Cause | null): boolean {
  return only !== undefined && !found?.remedies.some(({ id }) => only.includes(id));
}

/** What holds back everything at once. */
function wholeHeld(
  { job, run, actor, isNamed, seenAt, only, diagnosis }: PlanRequest,
  cause: Cause | null,
): Held | undefined {
  if (job === 'blind')
    return {
      rail: 'blind',
      why: 'Slurm does not say what became of the job, and what is not known is not gone',
    };
  if (!actor.attended && only === undefined && (cause?.confidence ?? 0) < SURE)
    return {
      rail: 'unsure',
      why: `the cause is not sure enough (${Math.round((cause?.confidence ?? 0) * 100)} %)`,
    };
  if (diagnosis.status !== 'diagnosed' && only === undefined)
    return { rail: 'unsure', why: 'no cause is known' };
  if (job === null) return undefined;
  return notOurs(job, actor, run !== null, isNamed) ?? stale(seenAt, job);
}

function draftsOf(wanted: readonly string[], request: PlanRequest): { drafts: Draft[]; refused: Refusal[] } {
  const drafts: Draft[] = [];
  const refused: Refusal[] = [];
  for (const id of wanted) {
    const draft = draftOf(id, request.run, request.profile, request.newestStep);
    if (draft === undefined) {
      if (request.only) refused.push({ action: id, rail: 'unknown', why: 'opsctl has no such act' });
    } else if ('none' in draft)
      refused.push({ action: id, rail: draft.already ? ALREADY : 'no-need', why: draft.none });
    else drafts.push(withChange(draft, request.set, request.beforeStep));
  }
  return { drafts, refused };
}
