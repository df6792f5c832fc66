import type { Profile } from '../config/schema.ts';
import { newestCheckpoint } from '../run/checkpoint.ts';
import { liveExclusions } from '../run/exclusions.ts';
import type { Target } from '../run/target.ts';
import { missingNodes } from '../slurm/sinfo.ts';
import { currentUser, type System } from '../system/system.ts';
import { applyPlan, type StepResult, writeNotes } from './apply.ts';
import { type Breaker, breakerOf, type Fleet } from './breaker.ts';
import { lookAtJob } from './job-now.ts';
import { readJournal, withJournal } from './journal.ts';
import { makePlan } from './plan.ts';
import { secondsOf } from './rails.ts';
import { reconcileJournal } from './reconcile.ts';
import type { PlanRequest } from './request.ts';
import type { Diagnosed, Plan } from './step.ts';

export interface PlanOptions {
  readonly diagnosis: Diagnosed;
  readonly target: Target;
  readonly profile: PlanRequest['profile'];
  readonly attended: boolean;
  readonly isNamed: boolean;
  readonly seenAt: Date | null;
  readonly only?: readonly string[];
  readonly onNodes?: readonly string[];
  readonly set?: Readonly<Record<string, string>>;
  readonly beforeStep?: number;
  /** Other runs that show the same fault at this time, as far as somebody watches them. */
  readonly others?: readonly string[];
}

/** Looks at the job and the journal as they are, and makes the plan. Changes nothing. */
export async function planFor(system: System, options: PlanOptions): Promise<Plan> {
  const { target, attended, only, onNodes, set, beforeStep } = options;
  const run = target.kind === 'run' ? target.manifest : null;
  const excluded = liveExclusions(system);
  const [looked, missing, history, checkpoint] = await Promise.all([
    lookAtJob(system, target, onNodes),
    // Slurm refuses a job that is to stay away from a node that is no more.
    missingNodes(
      system,
      excluded.map(({ node }) => node),
    ),
    readJournal(system),
    run === null ? null : newestCheckpoint(run.outputDir),
  ]);
  return makePlan({
    diagnosis: options.diagnosis,
    run,
    job: looked.job,
    nodes: looked.nodes,
    others: options.others ?? [],
    newestStep: checkpoint?.step ?? null,
    profile: options.profile,
    history,
    exclusions: excluded.filter(({ node }) => !missing.includes(node)),
    actor: { user: currentUser(), ownJob: system.env.SLURM_JOB_ID ?? null, attended },
    isNamed: options.isNamed,
    ...(only === undefined ? {} : { only }),
    ...(onNodes === undefined ? {} : { onNodes }),
    ...(set === undefined ? {} : { set }),
    ...(beforeStep === undefined ? {} : { beforeStep }),
    seenAt: options.seenAt,
    now: system.now(),
  });
}

export interface Repair {
  readonly plan: Plan;
  /** At least one step was carried out. */
  readonly applied: boolean;
  readonly results: readonly StepResult[];
  readonly breaker: Breaker;
}

export interface AutomateOptions {
  readonly diagnosis: Diagnosed;
  readonly target: Target;
  readonly profile: PlanRequest['profile'] & Pick<Profile, 'automation'>;
  /** When what was diagnosed was seen; null when it is of this moment. */
  readonly seenAt: Date | null;
  /** How much of the cluster shows this fault; null when not known. */
  readonly fleet: Fleet | null;
  /** What the configuration is chosen by, where a script has to be rendered anew. */
  readonly config?: { readonly config?: string | undefined; readonly profile?: string | undefined };
}

/**
 * What a watcher does about a diagnosis without a person: the plan, and of it what the policy's level allows. What was
 * begun by an opsctl that was killed is settled first.
 * @throws OpsError 75 when another opsctl is at it, 69 without Slurm.
 */
export async function automate(system: System, options: AutomateOptions): Promise<Repair> {
  const { profile, fleet } = options;
  await withJournal(system, async () => reconcileJournal(system, await readJournal(system)));
  const others = othersOf(fleet, options, system.now());
  const plan = await planFor(system, { ...options, others, attended: false, isNamed: false });
  const acts = plan.steps.some(({ level }) => level <= plan.level);
  // How wide a fault is matters to who acts on it; where nothing would be done, nothing is stopped.
  const breaker = breakerOf(await readJournal(system), profile.automation, acts ? fleet : null, system.now());
  if (plan.exhausted?.first || (breaker.opensNow && acts))
    await withJournal(system, () => writeNotes(system, plan, acts ? breaker : null));
  if (!acts || breaker.open) return { plan, applied: false, results: [], breaker };
  const results = await applyPlan(system, plan, {
    level: plan.level,
    attended: false,
    profile,
    fleet,
    config: options.config ?? {},
  });
  return { plan, applied: results.some(({ result }) => result === 'done'), results, breaker };
}

function othersOf(fleet: Fleet | null, { target, profile }: AutomateOptions, now: Date): string[] {
  const own = target.kind === 'run' ? target.manifest.runId : null;
  const from = now.getTime() - secondsOf(profile.automation.breaker.window) * 1000;
  const recent = (fleet?.sightings ?? []).filter(({ at }) => Date.parse(at) > from);
  return [...new Set(recent.map(({ runId }) => runId))].filter((runId) => runId !== own);
}
