import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError, UsageError } from '../errors.ts';
import { errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import { shortHostname } from '../system/system.ts';
import type { Shape } from './shape.ts';

/** How a node gets a /dev/shm and /tmp of its own: as root, as an ordinary user, or not at all. */
export type Isolation = 'mount-namespace' | 'user-namespace' | 'none';

/** A process, told apart from a later one with the same number by its start time (clock ticks after boot). */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

/** Everything that was decided about a sandbox: `sandbox.json`, which also marks its directory as one. */
export interface Sandbox {
  readonly version: 1;
  readonly name: string;
  readonly dir: string;
  /** ClusterName: unique to the directory. */
  readonly cluster: string;
  readonly user: string;
  readonly host: string;
  readonly shape: Shape;
  readonly isolation: Isolation;
  /** Directories below /tmp or /dev/shm that the nodes see all the same. */
  readonly shares: readonly string[];
  readonly ports: Ports;
  readonly slurmVersion: string;
  readonly createdAt: string;
  /** The `up` that is still at work, or died at it; null once the sandbox was up. */
  readonly starter: ProcessId | null;
}

export interface Ports {
  readonly controller: number;
  readonly database: number;
  /** gnode01's; the others follow. */
  readonly firstNode: number;
}

const MARKER = 'sandbox.json';
/** Beside a `shared` that outlived its sandbox: the next `up` may use it, which it may not with anyone else's. */
const KEPT = 'sandbox.kept';

/** The files of a sandbox that more than one part of opsctl names. */
export function layout(dir: string) {
  return {
    marker: join(dir, MARKER),
    kept: join(dir, KEPT),
    slurmConf: join(dir, 'etc', 'slurm.conf'),
    gresConf: join(dir, 'etc', 'gres.conf'),
    cgroupConf: join(dir, 'etc', 'cgroup.conf'),
    slurmdbdConf: join(dir, 'etc', 'slurmdbd.conf'),
    mungeKey: join(dir, 'etc', 'munge.key'),
    mungeSocket: join(dir, 'run', 'munge.sock'),
    databaseSocket: join(dir, 'run', 'db.sock'),
    database: join(dir, 'db'),
    bin: join(dir, 'bin'),
    enterNode: join(dir, 'bin', 'enter-node'),
    enterDatabase: join(dir, 'bin', 'enter-database'),
    log: join(dir, 'log'),
    devices: join(dir, 'dev'),
    run: join(dir, 'run'),
    spool: join(dir, 'spool'),
    state: join(dir, 'state'),
    stage: join(dir, 'stage'),
    shared: join(dir, 'shared'),
  };
}

export function clusterName(dir: string): string {
  return `sandbox_${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`;
}

/**
 * What a directory is to the sandbox commands. `half-made`: `up` was killed before it had said what it makes.
 * `kept`: nothing but the data of a sandbox that is gone.
 */
export type Found =
  | { readonly kind: 'absent' | 'empty' | 'half-made' | 'kept' | 'foreign' }
  | { readonly kind: 'sandbox'; readonly sandbox: Sandbox };

export async function readSandbox(dir: string): Promise<Found> {
  let entries: string[];
  try {
    entries = await readdir(dir);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'absent' };
    throw fileError('cannot read', dir, error);
  }
  if (entries.length === 0) return { kind: 'empty' };
  const sandbox = parse((await readIfThere(join(dir, MARKER))) ?? '');
  if (sandbox === undefined) {
    const ours = entries.includes(KEPT) ? ['shared', KEPT] : [];
    const others = entries.filter((entry) => !ours.includes(entry));
    if (others.length === 0) return { kind: 'kept' };
    return { kind: others.every(isMarker) ? 'half-made' : 'foreign' };
  }
  if (sandbox.dir !== dir) {
    throw new UsageError(
      `${dir} holds the sandbox of ${sandbox.dir}: it was moved or copied.`,
      'Move it back before "opsctl sandbox down", or delete the copy by hand.',
    );
  }
  return { kind: 'sandbox', sandbox };
}

/**
 * @throws OpsError for a sandbox of another machine. Its state may lie on a file system that both see, but its
 * processes and its lock do not show here: it would look like one that had crashed.
 */
export function refuseElsewhere(sandbox: Sandbox): void {
  const here = shortHostname();
  if (sandbox.host === here) return;
  throw new OpsError(
    `sandbox "${sandbox.name}" was started on ${sandbox.host}, and this is ${here}. Nothing was touched.`,
    {
      hint: `Run this on ${sandbox.host}, or name another one with --name. If that machine is gone for good, delete ${sandbox.dir} by hand.`,
    },
  );
}

/** The marker, or the temporary file from which it is made. */
export function isMarker(entry: string): boolean {
  return entry === MARKER || (entry.startsWith(`${MARKER}.`) && entry.endsWith('.tmp'));
}

function parse(text: string): Sandbox | undefined {
  try {
    const value = JSON.parse(text) as Partial<Sandbox>;
    return value.version === 1 && typeof value.dir === 'string' ? (value as Sandbox) : undefined;
  } catch {
    return undefined;
  }
}

/** Says of `shared` that a sandbox made it. */
export async function writeKept(dir: string): Promise<void> {
  await writeAtomic(
    layout(dir).kept,
    'The data of an opsctl sandbox that is gone; the next one here uses it.\n',
  );
}

/** Writes the marker, whole or not at all. */
export async function writeSandbox(sandbox: Sandbox): Promise<void> {
  await writeAtomic(join(sandbox.dir, MARKER), `${JSON.stringify(sandbox, undefined, 2)}\n`);
}
