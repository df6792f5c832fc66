/** One directory entry of a run's checkpoints, as it was seen. */
export interface Entry {
  readonly name: string;
  readonly kind: 'directory' | 'link' | 'other';
  /** It and all below it belong to the user who asks. */
  readonly isOwn: boolean;
  readonly bytes: number;
  /** Of the newest file in it, in milliseconds since 1970. */
  readonly modifiedMs: number;
  /** By its trainer's rule: nothing is missing and nothing says that it is being written. */
  readonly isComplete: boolean;
  /** Device and inode: what is deleted is the directory that was judged, not one that took its name. */
  readonly identity: string;
}

export type Reason =
  | 'newest-complete'
  | 'final'
  | 'best'
  | 'among-newest'
  | 'in-use'
  | 'being-written'
  | 'young'
  | 'link'
  | 'not-yours'
  | 'not-a-checkpoint';

export interface PruneItem {
  readonly name: string;
  readonly action: 'delete' | 'keep';
  readonly bytes: number;
  readonly step: number | null;
  /** Why it is kept; null for what is deleted. */
  readonly reason: Reason | null;
  readonly identity: string;
}

export interface PruneRules {
  /** How many of the newest complete ones to keep, of each kind of name. At least 1. */
  readonly keep: number;
  readonly minAgeMs: number;
  readonly nowMs: number;
  /** The job may be running: nothing that is newer than the newest complete one is touched. */
  readonly isActive: boolean;
  /** Names that another run starts from. */
  readonly inUse: ReadonlySet<string>;
  /** The name before the step in the trainer's own checkpoints, when it is none of the usual. */
  readonly ownName: string | undefined;
}

/** Names of checkpoints of the trainers that opsctl knows, and those of the fault table's row 10. */
const NAME = /^(checkpoint-|global_step_?|iter_|step_|norm_|bestppl_|final_)(\d{1,15})$/;
/** Weights alone, which no run resumes from: the newest of them does not make a checkpoint superfluous. */
const BEST = /^bestppl_/;
const FINAL = /^final_/;

/** The parts of a checkpoint's name, or undefined for any other name. */
export function checkpointName(
  name: string,
  ownName: string | undefined,
): { kind: string; step: number } | undefined {
  const match = NAME.exec(name);
  if (match) return { kind: match[1] ?? '', step: Number(match[2]) };
  const rest = ownName !== undefined && name.startsWith(ownName) ? name.slice(ownName.length) : '';
  return ownName !== undefined && /^\d{1,15}$/.test(rest) ? { kind: ownName, step: Number(rest) } : undefined;
}

/**
 * Decides what may go. Never the newest complete one of any kind, a best or a final one, one that is young, a link, one
 * in which something belongs to another user, one that may be being written or that another run starts from, or what is
 * no checkpoint. Pure.
 */
export function planPrune(entries: readonly Entry[], rules: PruneRules): PruneItem[] {
  const steps = new Map(
    entries.flatMap((entry) => {
      const parts = entry.kind === 'directory' ? checkpointName(entry.name, rules.ownName) : undefined;
      return parts ? [[entry.name, parts] as const] : [];
    }),
  );
  // What another user has put there makes nothing of this user's superfluous.
  const complete = entries.filter(({ name, isComplete, isOwn }) => isComplete && isOwn && steps.has(name));
  const newest = Math.max(-1, ...complete.map(({ name }) => steps.get(name)?.step ?? -1));
  const latest = Math.max(-1, ...complete.map(({ modifiedMs }) => modifiedMs));
  const ranks = rankWithinKind(complete, steps);
  const seen = { steps, newest, latest, ranks };
  return entries.map((entry): PruneItem => {
    const { name, bytes, identity } = entry;
    const reason = reasonToKeep(entry, seen, rules);
    const step = steps.get(name)?.step ?? null;
    return { name, action: reason === null ? 'delete' : 'keep', bytes, step, reason, identity };
  });
}

interface Seen {
  readonly steps: ReadonlyMap<string, { kind: string; step: number }>;
  /** Highest step and latest change of the complete ones; -1 without any. */
  readonly newest: number;
  readonly latest: number;
  readonly ranks: ReadonlyMap<string, number>;
}

/** Null when nothing speaks for it. */
function reasonToKeep(
  { name, kind, isOwn, isComplete, modifiedMs }: Entry,
  { steps, newest, latest, ranks }: Seen,
  rules: PruneRules,
): Reason | null {
  const step = steps.get(name)?.step;
  const rank = ranks.get(name);
  if (kind === 'link') return 'link';
  if (step === undefined) return 'not-a-checkpoint';
  if (!isOwn) return 'not-yours';
  if (FINAL.test(name)) return 'final';
  if (BEST.test(name)) return 'best';
  if (rules.inUse.has(name)) return 'in-use';
  if (isComplete && (rank === 0 || modifiedMs === latest)) return 'newest-complete';
  if (rank !== undefined && rank < Math.max(1, rules.keep)) return 'among-newest';
  if (!isComplete && (newest < 0 || (rules.isActive && step >= newest))) return 'being-written';
  return rules.nowMs - modifiedMs < rules.minAgeMs ? 'young' : null;
}

/** 0 is the newest of its kind, by step. */
function rankWithinKind(
  complete: readonly Entry[],
  steps: ReadonlyMap<string, { kind: string; step: number }>,
): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const { name } of complete) {
    const own = steps.get(name);
    const newer = complete.filter((other) => {
      const parts = steps.get(other.name);
      return parts !== undefined && parts.kind === own?.kind && parts.step > own.step;
    });
    ranks.set(name, newer.length);
  }
  return ranks;
}
