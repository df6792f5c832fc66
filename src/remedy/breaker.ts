import type { AutomationConfig } from '../config/automation-schema.ts';
import { parseDuration } from '../slurm/duration.ts';
import { type Entry, isAct } from './entry.ts';

/** One run that shows a fault. */
export interface Sighting {
  readonly runId: string;
  /** ISO 8601. */
  readonly at: string;
  /** Nodes that the evidence names; empty where it names none. */
  readonly named: readonly string[];
  /** All nodes of the attempt; empty where nobody knows. */
  readonly ran: readonly string[];
}

/** The cluster, and who shows one fault on it: the run that is dealt with among them. */
export interface Fleet {
  readonly nodes: number;
  /** A node has this fault by itself: who is named has it, and nobody else. */
  readonly isOfNode: boolean;
  readonly sightings: readonly Sighting[];
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
      : fleet !== null && isWide(fleet, from, breaker.share)
        ? `${affected(fleet, from)} of ${fleet.nodes} nodes show the same fault`
        : null;
  return { open: why !== null, opensNow: why !== null, why };
}

/** One node of three is no epidemic, whatever its share, and what one or two runs have is theirs. */
const FEW = 3;

function isWide(fleet: Fleet, from: number, share: number): boolean {
  const seen = affected(fleet, from);
  return seen >= FEW && fleet.nodes > 0 && seen / fleet.nodes > share;
}

/**
 * Nodes that have shown the fault since then. Of a fault that nodes have by themselves those that are named. What several
 * runs have in common is on all of their nodes, whichever line came first; a single run that fails is no epidemic,
 * however large it is.
 */
function affected({ isOfNode, sightings }: Fleet, from: number): number {
  const recent = sightings.filter(({ at }) => Date.parse(at) > from);
  const isMany = new Set(recent.map(({ runId }) => runId)).size >= FEW;
  const nodes = recent.flatMap(({ named, ran }) => {
    if (isOfNode && named.length > 0) return named;
    return isMany ? (ran.length > 0 ? ran : named) : [];
  });
  return new Set(nodes).size;
}
