import { table } from '../terminal/table.ts';
import { shellEnvironment } from './client.ts';
import type { Place } from './place.ts';
import { layout } from './sandbox.ts';
import { nodeList, nodeNames } from './shape.ts';
import type { AbsentStatus, NodeStatus, SandboxStatus } from './status.ts';
import type { UpResult } from './up.ts';

/** What `up` says: for a person, and as the JSON document. */
export function showUp(place: Place, { sandbox, outcome }: UpResult, seconds: number) {
  const { shape, isolation } = sandbox;
  const select = selection(place);
  const gpus = shape.gpusPerNode === 0 ? 'without GPUs' : `x ${shape.gpusPerNode} a100`;
  const how = {
    started: `is up after ${seconds.toFixed(1)} s`,
    'already-up': 'is up already',
    repaired: 'is up again: what had died of it was started',
  }[outcome];
  const hidden = `each node has its own /dev/shm (${shape.shm}) and /tmp (${shape.tmp})`;
  const shares = sandbox.shares.filter((share) => share !== sandbox.dir);
  const rows = [
    ['nodes', `${nodeList(shape.nodes)} ${gpus}, Slurm ${sandbox.slurmVersion}`],
    [
      'private',
      isolation === 'none'
        ? 'nothing: this machine forbids namespaces, nodes share /dev/shm and /tmp'
        : hidden,
    ],
    ...(shares.length > 0 ? [['visible', `on the nodes all the same: ${shares.join(' ')}`]] : []),
    ['data', `${layout(sandbox.dir).shared} (all nodes see it; "down" deletes it unless you say --keep)`],
    ['use it', `eval "$(opsctl sandbox env${select})"`],
    ['end it', `opsctl sandbox down${select}`],
  ];
  return {
    lines: [`Sandbox "${sandbox.name}" ${how}.`, ...table(rows.map((row) => ['', ...row]))],
    document: {
      name: sandbox.name,
      dir: sandbox.dir,
      outcome,
      seconds,
      nodes: nodeNames(shape.nodes),
      gpusPerNode: shape.gpusPerNode,
      accounting: shape.accounting,
      privateShm: isolation !== 'none',
      shared: layout(sandbox.dir).shared,
      slurmVersion: sandbox.slurmVersion,
      cluster: sandbox.cluster,
      ports: sandbox.ports,
      env: shellEnvironment(sandbox),
    },
  };
}

/** The option that names this sandbox again; none for the default one. */
function selection(place: Place): string {
  if (!place.own) return ` --dir ${place.dir}`;
  return place.name === 'default' ? '' : ` --name ${place.name}`;
}

export function showStatus(status: SandboxStatus | AbsentStatus): string[] {
  if (status.state === 'elsewhere') {
    return [`Sandbox "${status.name}" is on ${status.host}: ask for its status there (${status.dir})`];
  }
  const head = `Sandbox "${status.name}" is ${status.state} (${status.dir})`;
  if (!('nodes' in status)) return [head];
  const daemons = Object.entries(status.pids).map(([program, pid]) => `${program} ${pid ?? 'not running'}`);
  return [
    head,
    `  ${daemons.join(', ')}`,
    ...(status.privateShm ? [] : ['  nodes share /dev/shm and /tmp: this machine forbids namespaces']),
    ...table([['NODE', 'STATE', 'GPUS', 'SLURMD', 'PORT'], ...status.nodes.map((node) => row(node, status))]),
  ];
}

function row(node: NodeStatus, status: SandboxStatus): string[] {
  const slurmd = node.pid === null ? 'not running' : String(node.pid);
  return [node.node, node.state, String(status.gpusPerNode), slurmd, String(node.port)];
}

/** Lines for `eval` in any POSIX shell. */
export function showEnvironment(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
  );
}
