import { isAbsolute, relative } from 'node:path';
import type { System } from '../system/system.ts';
import { type Isolation, layout, type Sandbox } from './sandbox.ts';

/** What a compute node has for itself; everything else is one file system for all, as a cluster's NFS is. */
export const PRIVATE_DIRECTORIES = ['/dev/shm', '/tmp'] as const;

const UNSHARE: Readonly<Record<Isolation, readonly string[]>> = {
  none: [],
  'mount-namespace': ['unshare', '--mount', '--propagation', 'private'],
  'user-namespace': [
    ...['unshare', '--user', '--map-current-user', '--keep-caps'],
    ...['--mount', '--propagation', 'private'],
  ],
};

const PROBE =
  'mount -t tmpfs -o size=64k opsctl-probe /dev/shm && mount -t tmpfs -o size=64k opsctl-probe /tmp';

/** The best isolation that this machine grants: tried, because sysctl, AppArmor and containers all forbid it in their own ways. */
export async function probeIsolation(system: System): Promise<Isolation> {
  for (const isolation of ['mount-namespace', 'user-namespace'] as const) {
    const result = await system.exec([...isolated(isolation), 'sh', '-c', PROBE], { env: system.env });
    if (result.code === 0) return isolation;
  }
  return 'none';
}

/** What to put before a command that is to have mounts of its own. */
export function isolated(isolation: Isolation): readonly string[] {
  return UNSHARE[isolation];
}

/** The command line that becomes a node's slurmd, in the node's own namespaces. */
export function nodeCommand(sandbox: Sandbox, node: string): string[] {
  const files = layout(sandbox.dir);
  if (sandbox.isolation === 'none') return slurmdCommand(sandbox, node);
  return [...isolated(sandbox.isolation), '/bin/sh', files.enterNode, node];
}

function slurmdCommand(sandbox: Sandbox, node: string): string[] {
  const files = layout(sandbox.dir);
  return [`${files.bin}/slurmd`, '-D', '-N', node, '-f', files.slurmConf];
}

/** What a node's tmpfs is mounted from: it says in /proc/PID/mountinfo whose node a process lives on. */
export function mountSource(dir: string): string {
  return `opsctl-sandbox:${dir}`;
}

/**
 * The script that every node starts with. A private directory is built aside, with what the nodes share bound
 * into it, and moved into place when it is whole: the sandbox itself may lie below /tmp. `mount -n`, since an
 * ordinary user may not write the table of mounts in /run.
 */
export function enterNodeScript(sandbox: Sandbox): string {
  const files = layout(sandbox.dir);
  const sizes = { '/dev/shm': sandbox.shape.shm, '/tmp': sandbox.shape.tmp };
  const mounts = PRIVATE_DIRECTORIES.flatMap((directory) => {
    const tmpfs = `mount -n -t tmpfs -o size=${sizes[directory]},mode=1777 ${mountSource(sandbox.dir)}`;
    const shares = sandbox.shares.filter((share) => isBelow(share, directory));
    if (shares.length === 0) return [`${tmpfs} ${directory}`];
    return [
      `${tmpfs} ${files.stage}`,
      ...shares.flatMap((share) => {
        const target = `${files.stage}/${relative(directory, share)}`;
        return [`mkdir -p ${word(target)}`, `mount -n --rbind ${word(share)} ${word(target)}`];
      }),
      `mount -n --move ${files.stage} ${directory}`,
    ];
  });
  return [
    '#!/bin/sh',
    '# A compute node of the sandbox: its own /dev/shm and /tmp, then its slurmd. usage: enter-node NODE',
    'set -eu',
    ...mounts,
    `exec ${slurmdCommand(sandbox, '"$1"').join(' ')}`,
    '',
  ].join('\n');
}

/** Of the directories asked for, those that a node would not see by itself; one inside another is left out. */
export function neededShares(directories: readonly string[]): string[] {
  const hidden = directories.filter((path) => PRIVATE_DIRECTORIES.some((root) => isBelow(path, root)));
  return [...new Set(hidden)].filter((path) => !hidden.some((other) => isBelow(path, other))).sort();
}

/** Strictly below: /tmp is not below /tmp. */
export function isBelow(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
