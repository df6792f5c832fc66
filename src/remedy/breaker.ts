import type { AutomationConfig } from '../config/automation-schema.ts';
import { parseDuration } from '../slurm/duration.ts';
import { type Entry, isAct } from './entry.ts';

/** How much of the cluster shows one fault at this moment. */
export interface Fleet {
  readonly nodes: number;
  readonly affected: number;
}

export interface Breaker {
  readonly open: boolean;
  /** It opens now: to be written down and told. */
  readonly opensNow: boolean;
  readonly why: string | null;
}

/**
 * Whether automation has to stop. Once open it stays open until a person closes it, whatever the window has forgotten
 * by then; only what happened after the closing counts towards the next time.
 */
export function breakerOf(
  history: readonly Entry[],
  { breaker }: AutomationConfig,
  fleet: Fleet | null,
  now: Date,
): Breaker {
  const turns = history
    .filter(({ kind }) => kind === 'breaker-open' || kind === 'breaker-closed')
    .sort((one, other) => one.at.localeCompare(other.at));
  const last = turns.at(-1);
  if (last?.kind === 'breaker-open') return { open: true, opensNow: false, why: last.reason };
  const window = (parseDuration(breaker.window) ?? 0) * 1000;
  const from = Math.max(now.getTime() - window, last === undefined ? 0 : Date.parse(last.at));
  const recent = history.filter(
    (entry) =>
      isAct(entry) && !entry.attended && entry.outcome?.result !== 'not-done' && Date.parse(entry.at) > from,
  );
  const why =
    recent.length >= breaker.actions
      ? `${recent.length} acts without a person within ${breaker.window}`
      : fleet !== null && isWide(fleet, breaker.share)
        ? `${fleet.affected} of ${fleet.nodes} nodes show the same fault`
        : null;
  return { open: why !== null, opensNow: why !== null, why };
}

/** One node of three is no epidemic, whatever its share. */
function isWide({ nodes, affected }: Fleet, share: number): boolean {
  return affected >= 3 && nodes > 0 && affected / nodes > share;
}
