import type { Cause } from '../diagnosis/rank.ts';
import type { NodeState } from '../slurm/sinfo.ts';

/** Faults that are the node's own: another node would not have them. */
const OF_THE_NODE: ReadonlySet<string> = new Set([
  'node-fail',
  'gpu-ecc',
  'gpu-lost',
  'gpu-xid',
  'ib-error',
  'cuda-unavailable',
  'cxx-missing',
  'node-unavailable',
  'shm-exhausted',
  'disk-full',
  'hang',
  'filesystem-error',
]);
/** Faults that a server brings to many nodes at once: then no node is to blame. */
const OF_A_SERVER: ReadonlySet<string> = new Set(['filesystem-error', 'disk-full', 'hang']);
/** Whether a node has the fault by itself, so that who is named has it and nobody else. Pure. */
export function isOfNode(fault: string): boolean {
  return OF_THE_NODE.has(fault) && !OF_A_SERVER.has(fault);
}

/** Slurm's own words name the node: the step's log line is not that node's. */
const NAMED = /\bNode failure on ([A-Za-z0-9][\w.-]*)/g;
/** sinfo(1): these do not work any more, or are about to be taken away. */
const GONE = /^(?:down|drain|fail|error|no_respond|not_respond|reboot|power)/i;

export interface Suspects {
  readonly nodes: readonly string[];
  readonly why: string;
}

/**
 * The nodes to keep away from, of those that the newest attempt ran on. None where the cause is not the node's, or is
 * seen on so many that it cannot be. A name from a log counts only when it is one of the job's nodes.
 * @param poor states of the job's nodes.
 * @param others runs that show the same fault at this time.
 */
export function suspectsOf(
  cause: Pick<Cause, 'fault' | 'evidence'>,
  jobNodes: readonly string[],
  poor: readonly NodeState[],
  others: readonly string[] = [],
): Suspects {
  const none = (why: string): Suspects => ({ nodes: [], why });
  if (!OF_THE_NODE.has(cause.fault)) return none(`${cause.fault} is not a node's fault`);
  if (OF_A_SERVER.has(cause.fault) && others.length > 0)
    return none(`${listed(others)} ${others.length === 1 ? 'has' : 'have'} it too: it is what they share`);
  const own = new Set(jobNodes);
  const gone = poor.filter(({ node, state }) => own.has(node) && GONE.test(state)).map(({ node }) => node);
  const named = cause.evidence.flatMap(({ node, text, role }) => [
    ...(node !== null && role === 'root' && own.has(node) ? [node] : []),
    ...[...text.matchAll(NAMED)].flatMap((match) => (match[1] && own.has(match[1]) ? [match[1]] : [])),
  ]);
  // A single node's job says it of that node, whoever says it.
  const alone = jobNodes.length === 1 && !OF_A_SERVER.has(cause.fault) ? jobNodes : [];
  const nodes = [
    ...new Set([...(DOWN_DECIDES.has(cause.fault) && gone.length > 0 ? gone : named), ...alone]),
  ];
  if (nodes.length === 0) return none('no line and no state names one node');
  if (OF_A_SERVER.has(cause.fault) && (nodes.length > 1 || jobNodes.length === 1))
    return none(
      nodes.length > 1
        ? `${nodes.length} nodes show it: it is what they share, not they`
        : 'the job ran on one node, so nothing says that others do not have it',
    );
  // What a job must have and cannot is Slurm's own word, however much of it that is.
  if (cause.fault !== 'node-unavailable' && nodes.length > 1 && nodes.length > jobNodes.length / 4)
    return none(`${nodes.length} of ${jobNodes.length} nodes show it: it is not one node's fault`);
  return { nodes, why: `${nodes.join(', ')} show${nodes.length === 1 ? 's' : ''} it` };
}

function listed(runIds: readonly string[]): string {
  const more = runIds.length - 3;
  return `${runIds.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Where Slurm says which node is gone, log lines only repeat it. */
const DOWN_DECIDES: ReadonlySet<string> = new Set(['node-fail', 'node-unavailable']);
