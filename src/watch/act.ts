import type { ConfigChoice } from '../config/load.ts';
import type { Profile } from '../config/schema.ts';
import { EXIT, OpsError } from '../errors.ts';
import { automate, type Repair } from '../remedy/automate.ts';
import type { Fleet } from '../remedy/breaker.ts';
import { levelFor } from '../remedy/policy.ts';
import { LEVELS } from '../remedy/rails.ts';
import type { System } from '../system/system.ts';
import type { Known, RunTarget } from './settle.ts';

/** What was done, or proposed, about one run. */
export interface Action {
  readonly runId: string;
  readonly fault: string | null;
  readonly level: number;
  /** Steps as they were planned, each with the command and what became of it. */
  readonly steps: readonly {
    readonly action: string;
    readonly command: readonly string[];
    readonly result: string;
    readonly said: string;
  }[];
  /** Why there is no step, or why none was carried out. */
  readonly held: string | null;
  /** The restart is to come: only its time has not. */
  readonly waits: boolean;
}

/** What the configured level allows, through the one door to deeds; what it does not allow is proposed. */
export async function act(
  system: System,
  target: RunTarget,
  diagnosis: Known,
  { profile, choice, fleet, seenAt }: ActContext,
): Promise<Action> {
  const [cause] = diagnosis.causes;
  const base = { runId: target.manifest.runId, fault: cause?.fault ?? null };
  // Not knowing how wide a fault is, nobody may act on it: it is proposed, and looked at again.
  const isBlind = fleet === null && levelFor(profile.automation, base.fault, base.runId) >= LEVELS.requeue;
  try {
    const repair = await automate(system, {
      diagnosis,
      target,
      profile: isBlind ? proposing(profile) : profile,
      seenAt,
      fleet,
      config: choice,
    });
    const { level } = repair.plan;
    const steps = stepsOf(repair);
    if (isBlind) return { ...base, level, steps, held: BLIND, waits: true };
    return { ...base, level, steps, held: heldBy(repair), waits: waitsFor(repair) };
  } catch (error) {
    if (!(error instanceof OpsError) || error.exitCode === EXIT.noSlurm) throw error;
    return { ...base, level: 0, steps: [], held: error.message, waits: false };
  }
}

const BLIND = 'Slurm does not say which nodes there are, so nobody knows how many have it';

function proposing(profile: Profile): Profile {
  return { ...profile, automation: { ...profile.automation, level: 'L1', faults: {}, runs: {} } };
}

export interface ActContext {
  readonly profile: Profile;
  readonly choice: ConfigChoice;
  /** Null when Slurm did not say which nodes there are. */
  readonly fleet: Fleet | null;
  /** When what is acted on was so; null for this moment. */
  readonly seenAt: Date | null;
}

function stepsOf({ plan, results }: Repair): Action['steps'] {
  const byId = new Map(results.map((result) => [result.id, result]));
  return plan.steps.map(({ id, action, typed: command }) => {
    const { result = 'proposed', said = '' } = byId.get(id) ?? {};
    return { action, command, result, said };
  });
}

/** Where the policy lets the watcher restart at all; an open breaker waits for a person, not for a time. */
function waitsFor({ plan, breaker }: Repair): boolean {
  return plan.level >= LEVELS.requeue && !breaker.open && plan.refused.some(({ rail }) => rail === 'backoff');
}

function heldBy({ plan, breaker }: Repair): string | null {
  if (breaker.open) return `the breaker is open: ${breaker.why}`;
  if (plan.exhausted) return `EXHAUSTED: ${plan.exhausted.restarts} restarts brought no newer checkpoint`;
  return plan.refused.map(({ action, why }) => `${action}: ${why}`).join('; ') || null;
}
