import type { Cause } from '../diagnosis/rank.ts';
import { type Budget, budgetOf } from './budget.ts';
import type { Draft } from './drafts.ts';
import { type ActEntry, isAct, isOpen } from './entry.ts';
import type { JobNow } from './job-now.ts';
import { type Actor, ALREADY, allowed, type Held, secondsOf, unchangedRetry } from './rails.ts';
import type { PlanRequest } from './request.ts';
import { restartOf } from './restart.ts';
import { type Act, type ActionName, isChanged, NO_CHANGE, type Refusal, type Step } from './step.ts';
import { stepOf } from './step-of.ts';
import { suspectsOf } from './suspects.ts';

const RESTARTS: ReadonlySet<ActionName> = new Set(['requeue', 'resubmit', 'raise-limit']);
/** The order in which things are done: first what only looks, last what concerns others. */
const BEFORE: readonly ActionName[] = [
  'collect-evidence',
  'hold',
  'release',
  'cancel',
  'clear-nccl-shm',
  'prune-checkpoints',
];
const BEHIND: readonly ActionName[] = ['drain-node', 'resume-node'];

interface Built {
  readonly steps: Step[];
  readonly refused: Refusal[];
  readonly budget: Budget | undefined;
}

/** The steps of the acts that are wanted, each with its command; and what is held back. Pure. */
export function build(drafts: readonly Draft[], request: PlanRequest, cause: Cause | null, now: Date): Built {
  const { run, job, profile, exclusions, history, actor } = request;
  const current = job === 'blind' ? null : job;
  const refused: Refusal[] = [];
  const steps: Step[] = [];
  const refuse = (action: string, { rail, why }: Held): void => {
    refused.push({ action, rail, why });
  };
  const suspects = suspectNodes(request, cause);
  const wantsExclusion = drafts.some(({ action }) => action === 'exclude-node');
  const crowded = wantsExclusion ? tooFewLeft(suspects.nodes, request) : undefined;
  const avoid = wantsExclusion && crowded === undefined ? suspects.nodes : [];
  if (wantsExclusion && avoid.length === 0)
    refuse('exclude-node', crowded ?? { rail: 'not-the-node', why: suspects.why });
  const excluded = [...new Set([...exclusions.map(({ node }) => node), ...avoid])];

  const add = (action: ActionName, over: Partial<Act>, after: Partial<Step['expects']> = {}): void => {
    const act: Act = {
      jobId: current?.jobId ?? null,
      runId: run?.runId ?? null,
      nodes: [],
      change: NO_CHANGE,
      seconds: 0,
      limit: 0,
      ...over,
    };
    const step = stepOf(action, act, request, cause, excluded, after);
    const before = history.filter(isAct).find((entry) => entry.id === step.id);
    const again = allowed(action, profile.automation) ?? repeated(before);
    if (again) refuse(action, again);
    else steps.push(step);
  };

  for (const action of BEFORE)
    if (drafts.some((draft) => draft.action === action)) {
      const details = detailsOf(action, suspects.nodes, current, profile);
      const no = notNow(action, details.nodes ?? [], current, request);
      if (no) refuse(action, no);
      else add(action, details);
    }
  const asked =
    drafts.find(({ action, change }) => RESTARTS.has(action) && isChanged(change)) ??
    drafts.find(({ action }) => RESTARTS.has(action));
  const restart = restartOf({
    asked,
    mended: steps.some(({ action }) => action === 'clear-nccl-shm') || avoid.length > 0,
    job: current,
    run,
    fault: cause?.fault ?? null,
    isExplicit: request.only !== undefined,
  });
  const pending = current?.state.phase === 'pending';
  let budget: Budget | undefined;
  const seconds = secondsOf(profile.automation.exclude_for);
  if ('none' in restart) {
    if (restart.none !== '') refuse(asked?.action ?? 'requeue', { rail: restart.rail, why: restart.none });
    const isTold = pending && avoid.every((node) => current.excluded.includes(node));
    if (isTold && avoid.length > 0)
      refuse('exclude-node', { rail: ALREADY, why: `the job stays away from ${avoid.join(', ')} already` });
    else if (avoid.length > 0)
      add('exclude-node', { jobId: pending ? current.jobId : null, nodes: avoid, seconds });
  } else {
    budget = budgetOf(
      history,
      { runId: run?.runId ?? null, jobId: current?.jobId ?? null, fault: cause?.fault ?? null },
      request.newestStep,
      sinceOf(current),
      now,
    );
    const no =
      (request.only === undefined
        ? unchangedRetry(
            cause?.fault ?? null,
            restart.change,
            avoid.length > 0 || steps.some(({ action }) => action === 'clear-nccl-shm'),
          )
        : undefined) ?? budgetHeld(budget, actor, request.only !== undefined);
    const isRequeue = restart.action === 'requeue';
    // The job cannot be told before it waits again; a resubmission carries the list itself.
    if (avoid.length > 0 && (!isRequeue || no)) add('exclude-node', { jobId: null, nodes: avoid, seconds });
    if (no) refuse(restart.action, no);
    else {
      add(restart.action, { change: restart.change });
      const isNews = excluded.some((node) => !current?.excluded.includes(node));
      if (isRequeue && isNews)
        add(
          'exclude-node',
          { nodes: avoid, seconds },
          { restarts: (current?.restarts ?? 0) + 1, phases: ['pending'] },
        );
    }
  }
  for (const action of BEHIND)
    if (drafts.some((draft) => draft.action === action)) {
      if (suspects.nodes.length === 0) refuse(action, { rail: 'not-the-node', why: suspects.why });
      for (const node of suspects.nodes) add(action, { jobId: null, nodes: [node] });
    }
  return { steps, refused, budget };
}

function suspectNodes({ onNodes, job, nodes, others }: PlanRequest, cause: Cause | null) {
  if (onNodes && onNodes.length > 0) return { nodes: onNodes, why: 'named by a person' };
  if (cause === null || job === null || job === 'blind')
    return { nodes: [], why: 'no node is named: give --node' };
  return suspectsOf(cause, job.nodes, nodes, others);
}

/** An exclusion that leaves too few nodes would make the job wait for ever. */
function tooFewLeft(nodes: readonly string[], { run, profile, exclusions }: PlanRequest): Held | undefined {
  const wanted = Number(run?.parameters.nodes?.value ?? 0);
  const name = run?.parameters.partition?.value;
  const partition =
    typeof name === 'string'
      ? profile.partitions[name]
      : Object.values(profile.partitions).find((each) => each.default);
  if (!wanted || partition?.nodes == null) return undefined;
  const out = new Set([...nodes, ...exclusions.map(({ node }) => node)]).size;
  if (partition.nodes - out >= wanted) return undefined;
  return {
    rail: 'too-few-nodes',
    why: `the partition has ${partition.nodes} nodes and the run needs ${wanted}: without ${nodes.join(', ')} it would never start. With fewer: opsctl runbook run ${run?.runId} --only resubmit --set nodes=${Math.max(1, partition.nodes - out)}`,
  };
}

/** Facts that make an act pointless or impossible at this moment. */
function notNow(
  action: ActionName,
  nodes: readonly string[],
  job: JobNow | null,
  { run }: PlanRequest,
): Held | undefined {
  const phase = job?.state.phase ?? 'none';
  const word = job?.state.word ?? 'not there';
  const isHeld = phase === 'pending' && /^JobHeld/.test(job?.reason ?? '');
  const isOver = phase === 'ended' || phase === 'none';
  const no = (why: string): Held => ({ rail: 'state', why });
  const already = (why: string): Held => ({ rail: ALREADY, why });
  if (action === 'hold' && isHeld) return already('the job is held');
  if (action === 'hold' && phase !== 'pending') return no(`only a job that waits can be held; it is ${word}`);
  if (action === 'release' && isOver) return no(`only a job that waits can be released; it is ${word}`);
  if (action === 'release' && !isHeld) return already('the job is not held');
  if (action === 'cancel' && phase === 'ended') return already('the job has ended');
  if (action === 'cancel' && phase === 'none') return no('there is no job');
  if (action === 'collect-evidence' && phase !== 'running')
    return no('only a running job can be looked into');
  if (action === 'clear-nccl-shm' && phase === 'running' && nodes.some((node) => job?.nodes.includes(node)))
    return no('the job is still running on the node');
  if (action === 'prune-checkpoints' && run === null)
    return no('only a run of opsctl has checkpoints that are known');
  return undefined;
}

function detailsOf(
  action: ActionName,
  suspects: readonly string[],
  job: JobNow | null,
  { automation }: PlanRequest['profile'],
): Partial<Act> {
  if (action === 'collect-evidence') return { nodes: job?.nodes ?? [] };
  if (action === 'clear-nccl-shm')
    return {
      jobId: null,
      nodes: suspects.length > 0 ? suspects : (job?.nodes ?? []),
      limit: secondsOf(automation.shm_age),
    };
  if (action === 'prune-checkpoints') return { jobId: null, limit: automation.keep_checkpoints };
  return {};
}

/** Rail 3: what is done is not done again, and what nobody knows of yet is waited for. */
function repeated(before: ActEntry | undefined): Held | undefined {
  if (before === undefined || before.outcome?.result === 'not-done') return undefined;
  if (isOpen(before))
    return {
      rail: 'at-most-once',
      why: `it was begun at ${before.at}, and it is not known yet what became of it`,
    };
  return { rail: 'at-most-once', why: `it was done at ${before.at}` };
}

function budgetHeld(budget: Budget, { attended }: Actor, isExplicit: boolean): Held | undefined {
  if (budget.verdict === 'exhausted' && !(attended && isExplicit))
    return { rail: 'budget', why: `EXHAUSTED: ${budget.used} restarts brought no newer checkpoint` };
  if (budget.verdict === 'wait' && !attended)
    return { rail: 'backoff', why: `restart ${budget.used + 1} not before ${budget.until.toISOString()}` };
  return undefined;
}

function sinceOf(job: JobNow | null): Date {
  return new Date((job?.endTime ?? job?.startTime ?? 0) * 1000);
}
