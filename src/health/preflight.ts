import { showNodeAddress } from '../slurm/sinfo.ts';
import { type System, shortHostname } from '../system/system.ts';
import { bundle, type Heard } from './bundle.ts';
import type { Check } from './check-schema.ts';
import type { Inputs } from './compile.ts';
import type { Answer } from './judge.ts';
import { askHere, askNodes, type NodesHeard, type Way } from './nodes.ts';
import { rank, type Verdict } from './verdict.ts';
import { verdictsOf } from './verdicts.ts';

export interface PreflightRequest {
  readonly checks: readonly Check[];
  readonly inputs: Inputs;
  /** Bash text that sets the scene, as the job does it; empty for none. */
  readonly environment: string;
  /** None: the login part alone. */
  readonly nodes: readonly string[];
  readonly way: Way;
}

/** Asks this machine and the nodes at the same time, and judges what they answer: worst first. */
export async function preflight(system: System, request: PreflightRequest): Promise<Verdict[]> {
  const { checks, nodes, way, environment } = request;
  const onLogin = checks.filter(({ scope }) => scope !== 'node');
  const onNodes = nodes.length === 0 ? [] : checks.filter(({ scope }) => scope !== 'login');
  const inputs = { ...request.inputs, ...(await peersOf(system, nodes, onNodes)) };
  const [here, there] = await Promise.all([
    onLogin.length === 0
      ? undefined
      : askHere(system, bundle(onLogin, inputs, environment), longest(onLogin)),
    onNodes.length === 0
      ? undefined
      : askNodes(system, nodes, way, bundle(onNodes, inputs, environment), longest(onNodes)),
  ]);
  const login = shortHostname();
  return [
    ...(here === undefined ? [] : judged(onLogin, [login], here)),
    ...(there === undefined
      ? []
      : [
          ...silentNodes(there),
          ...judged(
            onNodes,
            nodes.filter((node) => !there.silent.has(node)),
            there,
          ),
        ]),
  ].sort((one, other) => rank(other.status) - rank(one.status));
}

/** The other nodes, and where the first of them is, for the checks that let the nodes speak with each other. */
async function peersOf(system: System, nodes: readonly string[], checks: readonly Check[]): Promise<Inputs> {
  const [first] = nodes;
  if (first === undefined || nodes.length < 2) return {};
  const wanted = checks.some(({ inputs = [] }) => inputs.includes('CHECK_MASTER_ADDR'));
  const address = wanted ? await showNodeAddress(system, first) : undefined;
  return {
    CHECK_PEERS: nodes.join(' '),
    ...(address === undefined ? {} : { CHECK_MASTER_ADDR: address }),
  };
}

const NOTHING: Answer = { facts: new Map(), end: 'silent', seconds: 0 };

/** A probe that said nothing on a node is unknown there, so each node has an answer to each check. */
function judged(checks: readonly Check[], nodes: readonly string[], { answers, unset }: Heard): Verdict[] {
  const able = nodes.filter((node) => !unset.has(node));
  const verdicts = checks.flatMap((check) => {
    const known = answers.get(check.id);
    return verdictsOf(check, new Map(able.map((node) => [node, known?.get(node) ?? NOTHING])));
  });
  return [...nodes.filter((node) => unset.has(node)).map(unsettled), ...verdicts];
}

function unsettled(node: string): Verdict {
  return {
    check: 'environment',
    node,
    status: 'critical',
    message: "the job's modules, activate file, python or secrets file cannot be set up here",
    fact: 'environment',
    value: null,
    limit: null,
    fix: 'opsctl config   # environment',
    seconds: 0,
  };
}

function silentNodes({ silent }: NodesHeard): Verdict[] {
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

function longest(checks: readonly Check[]): number {
  return Math.max(...checks.map(({ seconds }) => seconds));
}
