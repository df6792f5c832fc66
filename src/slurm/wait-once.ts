import type { Exec, ExecResult } from '../system/exec.ts';
import type { System } from '../system/system.ts';

/** Whom a program that only asks speaks to. */
const DAEMONS: Readonly<Record<string, string>> = {
  squeue: 'slurmctld',
  sinfo: 'slurmctld',
  scontrol: 'slurmctld',
  sacct: 'slurmdbd',
};

/**
 * The same system, on which each of Slurm's daemons is waited for once: after a command that had no answer within its
 * time, later ones to the same daemon have none at once. For what asks many things one after the other and must be done
 * within one time limit; not for what acts, or looks until something shows.
 */
export function waitingOnce(system: System): System {
  const silent = new Map<string, ExecResult>();
  const exec: Exec = async (argv, options) => {
    const daemon = DAEMONS[argv[0] ?? ''];
    const before = daemon === undefined ? undefined : silent.get(daemon);
    if (before !== undefined) return { ...before, argv };
    const result = await system.exec(argv, options);
    if (daemon !== undefined && result.timedOut) silent.set(daemon, result);
    return result;
  };
  return { ...system, exec };
}
