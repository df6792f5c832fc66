import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { complaintOf, slurm } from './command.ts';
import { parseGres } from './gres.ts';

/** Nodes of one partition that are alike. */
export interface NodeGroup {
  readonly partition: string;
  readonly nodes: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly gpus: number;
  readonly gpuType: string | null;
}

/** sinfo(1) `--format`, in the order that is read. GRES comes last: it is the only one that may hold anything. */
const FIELDS = ['%R', '%D', '%c', '%m', '%G'] as const;
const FORMAT = FIELDS.join('|');

/** A person's own sinfo defaults would leave partitions out or change the form. */
const NO_DEFAULTS = {
  SINFO_ALL: undefined,
  SINFO_FORMAT: undefined,
  SINFO_PARTITION: undefined,
  SINFO_SORT: undefined,
};

/**
 * The shapes of the nodes of every partition, hidden ones too. `--exact` keeps unlike nodes apart, where sinfo
 * would print the smallest and a `+`.
 * @throws OpsError 69 or 75 from slurm(); 75 when sinfo failed in any other way.
 */
export async function showNodeGroups(system: System): Promise<NodeGroup[]> {
  const argv = ['sinfo', '--noheader', '--all', '--exact', `--format=${FORMAT}`];
  const answer = await slurm(system, argv, { env: NO_DEFAULTS });
  if (!answer.ok) throw new OpsError(`sinfo failed: ${complaintOf(answer)}`, { exitCode: EXIT.tryAgain });
  return parseNodeGroups(answer.stdout);
}

/** Reads what sinfo printed under FORMAT; a partition without nodes has no group. */
export function parseNodeGroups(stdout: string): NodeGroup[] {
  return stdout
    .split('\n')
    .map((line) => line.trim().split('|'))
    .filter((values) => values.length >= FIELDS.length)
    .map(([partition = '', nodes, cpus, memory, ...gres]) => {
      const gpus = parseGres(gres.join('|'), 'gpu');
      return {
        partition,
        nodes: whole(nodes),
        cpus: whole(cpus),
        memoryMb: whole(memory),
        gpus: gpus.count,
        gpuType: gpus.type,
      };
    })
    .filter((group) => group.nodes > 0);
}

/** `64`, and `64+` or `1.5K` of builds that shorten in spite of --exact. */
function whole(text = ''): number {
  const match = /^(\d+(?:\.\d+)?)(K?)/.exec(text);
  return match ? Math.round(Number(match[1]) * (match[2] ? 1000 : 1)) : 0;
}

/** What Slurm says of one node. */
export interface NodeState {
  readonly node: string;
  /** As sinfo prints it, with its flag: `idle`, `down*`, `drained`. */
  readonly state: string;
  /** Why it was set aside; null for none. */
  readonly reason: string | null;
  /** Who did that, and when, in Slurm's own words; null where nobody did. */
  readonly by?: string | null;
  readonly since?: string | null;
}

/** sinfo(1), "NODE STATE CODES": a `*` at the end is a node that does not answer. */
const GONE = /^(?:down|error|fail$|fail\*|power(?:ed|ing)_down|unknown|boot_fail)|\*$/i;

/** Whether what ran on the node cannot go on: it has failed, is switched off, or does not answer. Pure. */
export function isGone({ state }: Pick<NodeState, 'state'>): boolean {
  return GONE.test(state);
}

/**
 * The state of the nodes of a hostlist, each once.
 * @throws OpsError 69 or 75 from slurm(); 75 when sinfo failed in any other way.
 */
export async function showNodeStates(system: System, nodes: string): Promise<NodeState[]> {
  const argv = ['sinfo', '--noheader', '--all', '--Node', `--nodes=${nodes}`, '--format=%N|%T|%u|%H|%E'];
  const answer = await slurm(system, argv, { env: NO_DEFAULTS });
  if (!answer.ok) throw new OpsError(`sinfo failed: ${complaintOf(answer)}`, { exitCode: EXIT.tryAgain });
  return parseNodeStates(answer.stdout);
}

/**
 * The address by which Slurm speaks to each node of a hostlist: where it is, even where node names do not resolve. A node
 * that Slurm has not, or of which it does not say, has none.
 * @throws OpsError 69 or 75 from slurm().
 */
export async function showNodeAddresses(system: System, nodes: string): Promise<Map<string, string>> {
  const argv = ['sinfo', '--noheader', '--all', '--Node', `--nodes=${nodes}`, '--format=%N|%o'];
  const { stdout } = await slurm(system, argv, { env: NO_DEFAULTS });
  const pairs = stdout.split('\n').map((line) => line.trim().split('|'));
  return new Map(pairs.flatMap(([node, address]) => (node && address ? [[node, address] as const] : [])));
}

/** Reads `gnode04|down*|root|2026-11-25T08:36:16|Not responding`; a node is there once a partition. */
export function parseNodeStates(stdout: string): NodeState[] {
  const byNode = new Map<string, NodeState>();
  for (const line of stdout.split('\n')) {
    const [node, state, by = '', since = '', ...reason] = line.trim().split('|');
    if (!node || !state) continue;
    byNode.set(node, { node, state, reason: known(reason.join('|')), by: known(by), since: known(since) });
  }
  return [...byNode.values()];
}

/** sinfo writes a word where there is nothing to say. */
function known(text: string): string | null {
  const word = text.trim();
  return /^(?:|none|unknown)$/i.test(word) ? null : word;
}

/** A node with its memory, as the watcher looks at all of them. */
export interface NodeView extends NodeState {
  readonly memoryMb: number | null;
  /** Not in use at all, not even as page cache: far less than what a program can still have. */
  readonly freeMb: number | null;
}

/**
 * Every node of the cluster, each once, however many partitions it is in.
 * @throws OpsError 69 or 75 from slurm(); 75 when sinfo failed in any other way, or printed nothing.
 */
export async function showAllNodes(system: System): Promise<NodeView[]> {
  const argv = ['sinfo', '--noheader', '--all', '--Node', '--format=%N|%T|%m|%e|%E'];
  const answer = await slurm(system, argv, { env: NO_DEFAULTS });
  if (!answer.ok) throw new OpsError(`sinfo failed: ${complaintOf(answer)}`, { exitCode: EXIT.tryAgain });
  const nodes = parseNodeViews(answer.stdout);
  // There is no cluster without nodes: this is an answer that was cut off.
  if (nodes.length === 0) throw new OpsError('sinfo printed no node', { exitCode: EXIT.tryAgain });
  return nodes;
}

/** Those of the nodes that are not of this cluster, or not any more; none where sinfo does not answer. */
export async function missingNodes(system: System, nodes: readonly string[]): Promise<string[]> {
  if (nodes.length === 0) return [];
  const views = await showAllNodes(system).catch((error: unknown) => {
    if (error instanceof OpsError) return null;
    throw error;
  });
  const known = new Set(views?.map(({ node }) => node));
  return views === null ? [] : nodes.filter((node) => !known.has(node));
}

/** Reads `gnode04|down*|64000|N/A|Not responding`. */
export function parseNodeViews(stdout: string): NodeView[] {
  const byNode = new Map<string, NodeView>();
  for (const line of stdout.split('\n')) {
    const [node, state, memory = '', free = '', ...reason] = line.trim().split('|');
    if (!node || !state || byNode.has(node)) continue;
    const words = reason.join('|').trim();
    byNode.set(node, {
      node,
      state,
      memoryMb: megabytes(memory),
      freeMb: megabytes(free),
      reason: words === '' || words === 'none' ? null : words,
    });
  }
  return [...byNode.values()];
}

function megabytes(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}
