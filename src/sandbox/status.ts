import { type System, shortHostname } from '../system/system.ts';
import { nodeStates } from './client.ts';
import { daemonsAmong } from './evidence.ts';
import type { Place } from './place.ts';
import { isAlive, readProcesses } from './processes.ts';
import { layout, type Ports, readSandbox, type Sandbox } from './sandbox.ts';
import { nodeNames } from './shape.ts';

export interface NodeStatus {
  readonly node: string;
  /** sinfo's state; `unknown` when the controller does not answer. */
  readonly state: string;
  /** Its slurmd, or null when it does not run: `nsenter --target PID --mount` enters the node. */
  readonly pid: number | null;
  readonly port: number;
}

/** `elsewhere`: another machine's, of which nothing more can be told here. `degraded`: a daemon is missing, or a node takes no jobs. */
export type SandboxState = 'absent' | 'elsewhere' | 'starting' | 'down' | 'degraded' | 'up';

export interface SandboxStatus {
  readonly name: string;
  readonly dir: string;
  readonly state: SandboxState;
  readonly up: boolean;
  /** The machine on which it was started; null when there is none. */
  readonly host: string | null;
  readonly nodes: readonly NodeStatus[];
  readonly gpusPerNode: number;
  readonly accounting: boolean;
  /** Every node has its own /dev/shm and /tmp. */
  readonly privateShm: boolean;
  readonly shared: string;
  readonly slurmConf: string;
  readonly slurmVersion: string;
  readonly cluster: string;
  readonly ports: Ports;
  readonly pids: Readonly<Record<string, number | null>>;
}

/** Of a sandbox that is absent or elsewhere. */
export type AbsentStatus = Pick<SandboxStatus, 'name' | 'dir' | 'state' | 'up' | 'host'>;

export async function status(system: System, place: Place): Promise<SandboxStatus | AbsentStatus> {
  const found = await readSandbox(place.dir);
  const none = { name: place.name, dir: place.dir, up: false };
  if (found.kind !== 'sandbox') return { ...none, state: 'absent', host: null };
  const { sandbox } = found;
  if (sandbox.host !== shortHostname()) return { ...none, state: 'elsewhere', host: sandbox.host };
  const running = daemonsAmong(sandbox.dir, await readProcesses());
  const pidOf = (program: string) => running.find((daemon) => daemon.program === program)?.pid ?? null;
  const states = pidOf('slurmctld') === null ? undefined : await nodeStates(system, sandbox);
  const nodes = nodeNames(sandbox.shape.nodes).map((node, index) => ({
    node,
    state: states?.get(node) ?? 'unknown',
    pid: running.find((daemon) => daemon.node === node)?.pid ?? null,
    port: sandbox.ports.firstNode + index,
  }));
  const programs = ['munged', ...(sandbox.shape.accounting ? ['mariadbd', 'slurmdbd'] : []), 'slurmctld'];
  const pids = Object.fromEntries(programs.map((program) => [program, pidOf(program)]));
  const state = await stateOf(sandbox, Object.values(pids), nodes);
  return {
    name: sandbox.name,
    dir: sandbox.dir,
    state,
    up: state === 'up',
    host: sandbox.host,
    nodes,
    gpusPerNode: sandbox.shape.gpusPerNode,
    accounting: sandbox.shape.accounting,
    privateShm: sandbox.isolation !== 'none',
    shared: layout(sandbox.dir).shared,
    slurmConf: layout(sandbox.dir).slurmConf,
    slurmVersion: sandbox.slurmVersion,
    cluster: sandbox.cluster,
    ports: sandbox.ports,
    pids,
  };
}

async function stateOf(
  sandbox: Sandbox,
  pids: readonly (number | null)[],
  nodes: readonly NodeStatus[],
): Promise<SandboxState> {
  if (sandbox.starter !== null && (await isAlive(sandbox.starter))) return 'starting';
  const all = [...pids, ...nodes.map((node) => node.pid)];
  if (all.every((pid) => pid === null)) return 'down';
  const healthy = nodes.every((node) => !/down|unknown|fail|[*]$/.test(node.state));
  return sandbox.starter === null && healthy && all.every((pid) => pid !== null) ? 'up' : 'degraded';
}
