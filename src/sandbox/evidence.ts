import { basename } from 'node:path';
import { mountSource } from './namespace.ts';
import { layout } from './sandbox.ts';

/** Set for every daemon that `up` starts, and never for a user's shell: its processes inherit it. */
export const DAEMON_MARK = 'OPSCTL_SANDBOX_DAEMON';

/** What /proc says about one process, as far as it may be read. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks after boot: with the pid, the process's identity. */
  readonly startTime: string;
  readonly zombie: boolean;
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  /** The text of mountinfo when its mount namespace is not opsctl's own, else empty. */
  readonly foreignMounts: string;
}

/** Slurm's programs that stay attached to a cluster: once it is gone they would wait for ever. */
const WAITING_CLIENTS = ['srun', 'salloc', 'sbatch'];
const DAEMONS = ['munged', 'mariadbd', 'slurmdbd', 'slurmctld', 'slurmd'] as const;

/**
 * The processes of a sandbox: those with evidence of their own, and what those started. A user's shell has
 * SLURM_CONF from `sandbox env` and is not among them.
 */
export function processesOf(dir: string, all: readonly ProcessFacts[]): ProcessFacts[] {
  const found = new Set(all.filter((one) => !one.zombie && isOurs(dir, one)));
  // A Set's iterator also visits what is added on the way.
  for (const one of found) {
    for (const child of all) if (child.parent === one.pid && !child.zombie) found.add(child);
  }
  return [...found];
}

function isOurs(dir: string, one: ProcessFacts): boolean {
  const files = layout(dir);
  if (one.environment.get(DAEMON_MARK) === dir) return true;
  // It lives on a node: also when it left its job's session and cleared its environment.
  if (one.foreignMounts.includes(` ${mountSource(dir)} `)) return true;
  if (daemonOf(dir, one) !== undefined) return true;
  const program = basename(one.argv[0] ?? '');
  if (one.environment.get('SLURM_CONF') !== files.slurmConf) return false;
  // slurmd sets SLURMD_NODENAME for what a job runs on a node, and for nothing else.
  return one.environment.has('SLURMD_NODENAME') || WAITING_CLIENTS.includes(program);
}

/** A daemon as status shows it: `slurmd` with its node, or one of the cluster's own. */
export interface DaemonSeen {
  readonly pid: number;
  readonly program: (typeof DAEMONS)[number];
  readonly node: string | null;
}

/** Of all processes, the sandbox's daemons. */
export function daemonsAmong(dir: string, all: readonly ProcessFacts[]): DaemonSeen[] {
  return all.filter((one) => !one.zombie).flatMap((one) => daemonOf(dir, one) ?? []);
}

/** Each daemon names a file of the sandbox on its command line: the link it is started by, or an option's value. */
function daemonOf(dir: string, one: ProcessFacts): DaemonSeen | undefined {
  const program = DAEMONS.find((name) => name === basename(one.argv[0] ?? ''));
  const namesSandbox = one.argv.some((word) => word.startsWith(`${dir}/`) || word.includes(`=${dir}/`));
  if (program === undefined || !namesSandbox) return undefined;
  return {
    pid: one.pid,
    program,
    node: program === 'slurmd' ? (one.argv[one.argv.indexOf('-N') + 1] ?? null) : null,
  };
}
