import { setTimeout as sleep } from 'node:timers/promises';
import type { Profile } from '../config/schema.ts';
import { EXIT, OpsError } from '../errors.ts';
import type { Lease } from '../system/lease.ts';
import { redact } from '../system/secrets.ts';
import type { System } from '../system/system.ts';
import { type Breaker, breakerOf, type Fleet } from './breaker.ts';
import { type Deed, type DeedContext, deedOf } from './deed.ts';
import { type Entry, isAct, type Outcome, type Seen } from './entry.ts';
import { intentOf, noteOf, readJournal, withJournal, writeEntry } from './journal.ts';
import { MARK, reconcileJournal } from './reconcile.ts';
import type { Level, Plan, Step } from './step.ts';

/** What became of one step. */
export interface StepResult {
  readonly id: string;
  readonly action: Step['action'];
  /**
   * `done` and `not-done` are what was seen afterwards. `nothing-to-do`: it was so already. `refused`: a rail held it
   * back. `declined`: the person said no. `proposed`: above the level that may act alone. `unknown`: it cannot be seen yet.
   */
  readonly result: 'done' | 'not-done' | 'nothing-to-do' | 'refused' | 'declined' | 'proposed' | 'unknown';
  readonly said: string;
}

export interface ApplyOptions extends DeedContext {
  /** Steps above are proposed only: the policy's level, or 4 when a person is there. */
  readonly level: Level;
  readonly attended: boolean;
  readonly profile: Pick<Profile, 'automation'>;
  readonly fleet: Fleet | null;
  /** Asks the person; absent when the answer is known to be yes. */
  readonly confirm?: (step: Step) => Promise<boolean>;
}

/** Slurm takes some moments to show what it has done. */
const LOOKS = 15;
const PAUSE_MS = 400;

/**
 * Carries out a plan step by step: the rails once more on the state of the moment, the intent on disk, the act, and a
 * look at what became of it. Ends at the first step that is not done, because the later ones rest on it.
 * @throws OpsError 75 when another opsctl is at it.
 */
export async function applyPlan(system: System, plan: Plan, options: ApplyOptions): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of plan.steps) {
    const result = await applyStep(system, plan, step, options);
    results.push(result);
    if (result.result !== 'done' && result.result !== 'nothing-to-do') break;
  }
  return results;
}

async function applyStep(system: System, plan: Plan, step: Step, options: ApplyOptions): Promise<StepResult> {
  const as = (result: StepResult['result'], said: string): StepResult => ({
    id: step.id,
    action: step.action,
    result,
    said: redact(said),
  });
  if (step.level > options.level)
    return as('proposed', `level L${step.level}, and without a person opsctl acts up to L${options.level}`);
  if (options.confirm && !(await options.confirm(step))) return as('declined', 'you said no');
  // Taken for each step: a person may think for long, and who is not there any more must not hold others up.
  return withJournal(system, async (lease) => {
    const journal = await reconcileJournal(system, await readJournal(system));
    const no = heldByJournal(system, journal, step, options);
    if (no !== undefined) return as('refused', no);
    try {
      return await act(system, lease, plan, step, options, as);
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      if (error.exitCode === EXIT.noSlurm) throw error;
      return as('refused', `blind: ${error.message}`);
    }
  });
}

/** Somebody else may have done it since the plan was made, or the breaker may have opened. */
function heldByJournal(
  system: System,
  journal: readonly Entry[],
  step: Step,
  { attended, profile, fleet }: ApplyOptions,
): string | undefined {
  const before = journal
    .filter(isAct)
    .find((entry) => entry.id === step.id && entry.outcome?.result !== 'not-done');
  if (before)
    return `it was ${before.outcome?.result === 'done' ? 'done' : 'begun'} at ${before.at} (journal)`;
  const breaker = breakerOf(journal, profile.automation, fleet, system.now());
  return !attended && breaker.open ? `the breaker is open: ${breaker.why}` : undefined;
}

async function act(
  system: System,
  lease: Lease,
  plan: Plan,
  step: Step,
  options: ApplyOptions,
  as: (result: StepResult['result'], said: string) => StepResult,
): Promise<StepResult> {
  const deed = await deedOf(step.action);
  const before = await deed.see(system, step.act, step);
  const held = deed.held(step, before);
  if (deed.isSo(step.act, before, step.command))
    return as('nothing-to-do', deed.leaves?.(before) || 'it is so already');
  if (held) return as('refused', `${held.rail}: ${held.why}`);
  const intent = intentOf(system, step, plan, options.attended, before);
  // Whoever was stopped for so long that another one took over must not act on what it knew.
  if (!(await lease.holds())) return as('refused', 'another opsctl has taken over');
  await lease.renew();
  await writeEntry(system, intent);
  const marked: System = { ...system, env: { ...system.env, [MARK]: step.id } };
  const said = await deed.act(marked, step, options).catch((error: unknown) => {
    // What failed may have acted all the same: the look decides.
    if (error instanceof OpsError) return error.message;
    throw error;
  });
  const outcome = await look(system, lease, deed, step, before, said);
  // Before the outcome is written: killed in between, the next start finds an open act and puts it right.
  if (outcome.result === 'not-done') await deed.undone?.(system, step);
  await writeEntry(system, { ...intent, outcome });
  return as(outcome.result, outcome.said);
}

/** Reads the state again until it shows what was wanted, for some seconds. */
async function look(
  system: System,
  lease: Lease,
  deed: Deed,
  step: Step,
  before: Seen,
  said: string,
): Promise<Outcome> {
  let outcome: Outcome = { at: '', result: 'unknown', said, after: null };
  for (let attempt = 0; attempt < LOOKS; attempt++) {
    if (attempt > 0) await sleep(PAUSE_MS);
    await lease.renew();
    const at = system.now().toISOString();
    try {
      const after = await deed.see(system, step.act, step);
      outcome = { at, result: deed.judge(step.act, before, after, step.command), said, after };
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      outcome = { at, result: 'unknown', said: `${said}; then: ${error.message}`, after: null };
    }
    if (outcome.result === 'done') break;
  }
  return outcome;
}

/** Writes down, once, that a budget is used up or that the breaker opens now. */
export async function writeNotes(system: System, plan: Plan, breaker: Breaker | null): Promise<void> {
  const { runId, fault, exhausted } = plan;
  if (exhausted?.first)
    await writeEntry(
      system,
      noteOf(system, 'exhausted', {
        runId,
        fault,
        reason: `${exhausted.restarts} restarts for ${fault} brought no newer checkpoint`,
      }),
    );
  if (breaker?.opensNow)
    await writeEntry(system, noteOf(system, 'breaker-open', { runId, fault, reason: breaker.why ?? '' }));
}
