import { connect, createServer, type Server } from 'node:net';
import { OpsError } from '../errors.ts';
import type { Ports } from './sandbox.ts';
import { MAX_NODES } from './shape.ts';

/** Below Linux's ephemeral ports (32768 and on), so that no outgoing connection takes one by chance. */
const FIRST = 18_000;
const END = 32_000;
/** A block: guard, slurmctld, slurmdbd, then one a node. */
const BLOCK = 3 + MAX_NODES;
const BLOCKS = Math.floor((END - FIRST) / BLOCK);

/** A free block of ports, and the guard that keeps other `up`s off it until the daemons listen on theirs. */
export interface PortHold {
  readonly ports: Ports;
  readonly release: () => Promise<void>;
}

/**
 * Finds ports that nobody listens on. The guard is a listening socket: the kernel lets one process have it,
 * whoever's it is, and takes it back from a process that was killed.
 * @param seed where to begin, so that sandboxes started at the same moment seldom try the same block.
 */
export async function holdPorts(nodes: number, seed: number): Promise<PortHold> {
  for (const base of blocks(seed)) {
    const guard = await listen(base);
    if (guard === undefined) continue;
    const ports = portsOf(base);
    if (await allFree(portsUsed(ports, nodes))) return { ports, release: () => close(guard) };
    await close(guard);
  }
  throw new OpsError(`no ${BLOCK} free ports in a row between ${FIRST} and ${END}`, {
    hint: 'Other sandboxes hold them: "opsctl sandbox down" ends one.',
  });
}

/** The first port of every block, each once, beginning at one that the seed names. */
export function blocks(seed: number): number[] {
  const start = Math.abs(Math.trunc(seed)) % BLOCKS;
  return Array.from({ length: BLOCKS }, (_, index) => FIRST + ((start + index) % BLOCKS) * BLOCK);
}

export function portsOf(base: number): Ports {
  return { controller: base + 1, database: base + 2, firstNode: base + 3 };
}

function portsUsed(ports: Ports, nodes: number): number[] {
  return [
    ports.controller,
    ports.database,
    ...Array.from({ length: nodes }, (_, index) => ports.firstNode + index),
  ];
}

async function allFree(ports: readonly number[]): Promise<boolean> {
  const servers = await Promise.all(ports.map(listen));
  await Promise.all(servers.map((server) => server && close(server)));
  return servers.every((server) => server !== undefined);
}

/** On every address, as Slurm's daemons listen; undefined when someone has the port on any of them. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** Someone answers on this machine's port, or on the Unix socket of this path. */
export function accepts(at: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof at === 'number' ? connect({ port: at, host: '127.0.0.1' }) : connect({ path: at });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
