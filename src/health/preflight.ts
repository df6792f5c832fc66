import { compressHostlist } from '../slurm/hostlist.ts';
import { showNodeAddresses } from '../slurm/sinfo.ts';
import type { System } from '../system/system.ts';
import { bundle } from './bundle.ts';
import type { Check } from './check-schema.ts';
import type { Inputs } from './compile.ts';
import { judged, longest } from './here.ts';
import { askNodes, unfitNodes, type Way } from './nodes.ts';
import type { Verdict } from './verdict.ts';

export interface PreflightRequest {
  /** Those that are asked on nodes. */
  readonly checks: readonly Check[];
  readonly inputs: Inputs;
  /** Bash text that sets the scene, as the job does it; empty for none. */
  readonly environment: string;
  readonly nodes: readonly string[];
  readonly way: Way;
}

/** Asks the nodes, and judges what they answer. Without nodes there is nothing to ask. */
export async function preflight(system: System, request: PreflightRequest): Promise<Verdict[]> {
  const { checks, nodes, way, environment } = request;
  if (nodes.length === 0 || checks.length === 0) return [];
  const [unfit, peers] = await Promise.all([
    'jobId' in way ? new Map<string, string>() : unfitNodes(system, nodes),
    peersOf(system, nodes, checks),
  ]);
  const inputs = { ...request.inputs, ...peers };
  const asked = nodes.filter((node) => !unfit.has(node));
  const heard = await askNodes(system, asked, way, bundle(checks, inputs, environment), longest(checks));
  const silent = new Map([...unfit, ...heard.silent]);
  const spoke = nodes.filter((node) => !silent.has(node));
  return [...silentNodes(silent), ...judged(checks, spoke, heard)];
}

/** Inputs that need Slurm's word on where a node is. */
const PLACES = ['CHECK_PEER_ADDRESSES', 'CHECK_MASTER_ADDR'];

/** The nodes and where they are, for the checks that let them speak with each other: one call however many they are. */
async function peersOf(system: System, nodes: readonly string[], checks: readonly Check[]): Promise<Inputs> {
  const [first] = nodes;
  if (first === undefined || nodes.length < 2) return {};
  const isWanted = checks.some(({ inputs = [] }) => inputs.some((name) => PLACES.includes(name)));
  const addresses = isWanted ? await showNodeAddresses(system, compressHostlist(nodes)) : new Map();
  const master = addresses.get(first);
  return {
    CHECK_PEERS: nodes.join(' '),
    CHECK_PEER_ADDRESSES: [...addresses].map((pair) => pair.join('=')).join(' '),
    ...(master === undefined ? {} : { CHECK_MASTER_ADDR: master }),
  };
}

function silentNodes(silent: ReadonlyMap<string, string>): Verdict[] {
  return [...silent].map(([node, why]) => ({
    check: 'node',
    node,
    status: 'unknown',
    message: why,
    fact: 'answer',
    value: null,
    limit: null,
    fix: `scontrol show node ${node}`,
    seconds: 0,
  }));
}
