/** The process of a run that stands still for the others, as far as the evidence shows it. */
export interface OddOne {
  readonly node: string;
  /** Null where the launcher does not say. */
  readonly rank: string | null;
  /** One line: which process, and what is odd about it. */
  readonly why: string;
}

interface Rank {
  readonly node: string;
  readonly pid: string;
  readonly rank: string | null;
  /** First letter of its state, as proc(5) has it. */
  readonly state: string;
  /** What it waits for in the kernel. */
  readonly waits: string;
}

/** A process of the evidence: node, pid, rank, state, what the kernel does for it, threads, kB, seconds, command. */
const PROCESS = /^([A-Za-z0-9][\w.-]*): (\d+) (\d+|-) ([A-Za-z])\S*\s+(\S+)\s+\d+\s+\d+\s+\d+\s+(.*)$/;
/** Fewer are no majority that one of them could differ from. */
const LEAST_PEERS = 3;

/**
 * Which rank to look at first, by what the nodes have said of a run that stands still. Pure. A rank that is stopped, or
 * waits for a disk on one node alone, is named; else the only one that waits for something else than all the others. When
 * nothing stands out, nobody is blamed.
 */
export function oddOneOut(evidence: string): OddOne | null {
  const ranks = ranksOf(evidence);
  const stopped = ranks.filter(({ state }) => /[Tt]/.test(state));
  const atDisk = ranks.filter(({ state }) => state === 'D');
  const nodes = (some: readonly Rank[]) => new Set(some.map(({ node }) => node)).size;
  const [first] = stopped;
  if (first !== undefined && nodes(stopped) === 1) return named(first, 'is stopped: a signal holds it');
  const [waiting] = atDisk;
  // On many nodes it is the server, not a node.
  if (waiting !== undefined && nodes(atDisk) === 1 && nodes(ranks) > 1)
    return named(waiting, `waits for a file system or a device (${waiting.waits})`);
  const groups = new Map<string, Rank[]>();
  for (const rank of ranks) groups.set(rank.waits, [...(groups.get(rank.waits) ?? []), rank]);
  const [one, others] = [...groups.values()].sort((a, b) => a.length - b.length);
  const [alone] = one ?? [];
  if (groups.size !== 2 || one?.length !== 1 || alone === undefined) return null;
  return (others?.length ?? 0) < LEAST_PEERS
    ? null
    : named(alone, `waits in ${alone.waits}, and all ${others?.length} others in ${others?.[0]?.waits}`);
}

function named({ node, rank, pid }: Rank, what: string): OddOne {
  const who = rank === null ? `process ${pid}` : `rank ${rank} (process ${pid})`;
  return { node, rank, why: `${who} on ${node} ${what}` };
}

/** The processes that have a rank; where none has, those of Python. */
function ranksOf(evidence: string): Rank[] {
  const found: (Rank & { isPython: boolean })[] = [];
  for (const line of evidence.split('\n')) {
    const [, node = '', pid = '', rank = '', state = '', waits = '', command = ''] = PROCESS.exec(line) ?? [];
    if (node === '') continue;
    found.push({
      node,
      pid,
      rank: rank === '-' ? null : rank,
      state,
      waits,
      isPython: /python/.test(command),
    });
  }
  const ranked = found.filter(({ rank }) => rank !== null);
  return ranked.length > 0 ? ranked : found.filter(({ isPython }) => isPython);
}
