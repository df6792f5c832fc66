import type { Profile } from '../config/schema.ts';
import type { Verdict } from '../health/verdict.ts';
import { type PartitionLimits, showPartitions } from '../slurm/scontrol-partition.ts';
import type { System } from '../system/system.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { impossible } from './cluster.ts';

/**
 * Where no profile knows the partitions, Slurm is asked for their limits: by default (EnforcePartLimits=NO, see
 * slurm.conf(5)) it takes a job that is above them, which then waits for ever with PartitionTimeLimit or
 * PartitionNodeLimit. A cluster that does not answer says so to `sbatch --test-only` as well.
 */
export async function askLimits(
  system: System,
  profile: Profile,
  values: Readonly<Record<string, ParameterValue>>,
): Promise<Verdict[]> {
  if (Object.keys(profile.partitions).length > 0) return [];
  const found = await showPartitions(system).catch(() => []);
  return impossible({ ...profile, partitions: Object.fromEntries(found.map(entry)) }, values).map(
    (message) => ({
      check: 'partition-limits',
      node: 'controller',
      status: 'critical',
      message,
      fact: 'limits',
      value: null,
      limit: null,
      fix: 'sinfo -o "%P %a %l %D %G"',
      seconds: 0,
    }),
  );
}

function entry({ name, isDefault, maxTime, maxNodes, nodes }: PartitionLimits) {
  const limits: Profile['partitions'][string] = {
    default: isDefault,
    max_time: maxTime,
    max_nodes: maxNodes,
    nodes,
    gpus_per_node: null,
    gpu_type: null,
    cpus_per_node: null,
    memory_mb: null,
    allow_accounts: null,
    allow_qos: null,
  };
  return [name, limits] as const;
}
