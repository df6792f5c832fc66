import { UsageError } from '../errors.ts';

/** What the sandbox's cluster looks like. */
export interface Shape {
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly cpusPerNode: number;
  /** What a node claims to have, in MB (2^20 bytes), as Slurm's RealMemory. Nothing is reserved for it. */
  readonly memoryMb: number;
  /** Size of each node's own /dev/shm, as mount(8) writes it: `64m`. */
  readonly shm: string;
  /** Size of each node's own /tmp. */
  readonly tmp: string;
  readonly accounting: boolean;
}

export const DEFAULT_SHAPE: Shape = {
  nodes: 2,
  gpusPerNode: 8,
  cpusPerNode: 64,
  memoryMb: 512_000,
  shm: '64m',
  tmp: '256m',
  accounting: false,
};

export const MAX_NODES = 64;
const MAX_GPUS = 16;
const MAX_CPUS = 512;

/** The options as typed; what was not given is undefined. */
export interface ShapeOptions {
  readonly nodes: string | undefined;
  readonly gpus: string | undefined;
  readonly cpus: string | undefined;
  readonly memory: string | undefined;
  readonly shm: string | undefined;
  readonly tmp: string | undefined;
  readonly accounting: boolean;
}

/** What was asked for. Undefined leaves it to the default, or to the sandbox that is up already. */
export type AskedShape = { readonly [Key in keyof Shape]?: Shape[Key] | undefined };

/** @throws UsageError for a number out of range or a size that is none. */
export function readShape(options: ShapeOptions): AskedShape {
  return {
    nodes: whole('--nodes', options.nodes, 1, MAX_NODES),
    gpusPerNode: whole('--gpus', options.gpus, 0, MAX_GPUS),
    cpusPerNode: whole('--cpus', options.cpus, 1, MAX_CPUS),
    memoryMb: megabytes('--memory', options.memory),
    shm: size('--shm', options.shm),
    tmp: size('--tmp', options.tmp),
    accounting: options.accounting ? true : undefined,
  };
}

export function wholeShape(asked: AskedShape): Shape {
  return {
    nodes: asked.nodes ?? DEFAULT_SHAPE.nodes,
    gpusPerNode: asked.gpusPerNode ?? DEFAULT_SHAPE.gpusPerNode,
    cpusPerNode: asked.cpusPerNode ?? DEFAULT_SHAPE.cpusPerNode,
    memoryMb: asked.memoryMb ?? DEFAULT_SHAPE.memoryMb,
    shm: asked.shm ?? DEFAULT_SHAPE.shm,
    tmp: asked.tmp ?? DEFAULT_SHAPE.tmp,
    accounting: asked.accounting ?? DEFAULT_SHAPE.accounting,
  };
}

const OPTION: Readonly<Record<keyof Shape, string>> = {
  nodes: '--nodes',
  gpusPerNode: '--gpus',
  cpusPerNode: '--cpus',
  memoryMb: '--memory',
  shm: '--shm',
  tmp: '--tmp',
  accounting: '--accounting',
};

/** Each way in which a sandbox is not what was asked for, in words; none when it will do. */
export function differences(asked: AskedShape, shape: Shape): string[] {
  return (Object.keys(OPTION) as (keyof Shape)[])
    .filter((key) => asked[key] !== undefined && asked[key] !== shape[key])
    .map((key) => `${OPTION[key]} is ${shape[key]}, you asked for ${asked[key]}`);
}

/** gnode01 and on, as slurm.conf's NodeName and `hostname`-like names in jobs. */
export function nodeNames(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, index) => `gnode${String(index + 1).padStart(2, '0')}`);
}

/** The same as one host list: `gnode[01-36]`. */
export function nodeList(nodes: number): string {
  return nodes === 1 ? 'gnode01' : `gnode[01-${String(nodes).padStart(2, '0')}]`;
}

function whole(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: a whole number from ${least} to ${most}.`);
  }
  return value;
}

const SIZE = /^[1-9]\d{0,8}[kmg]$/;

function size(option: string, text: string | undefined): string | undefined {
  const value = text?.toLowerCase();
  if (value !== undefined && !SIZE.test(value)) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: a size like 64m or 2g.`);
  }
  return value;
}

function megabytes(option: string, text: string | undefined): number | undefined {
  const value = size(option, text);
  if (value === undefined) return undefined;
  const unit = { k: 1 / 1024, m: 1, g: 1024 }[value.at(-1) as 'k' | 'm' | 'g'];
  return Math.max(1, Math.round(Number(value.slice(0, -1)) * unit));
}
