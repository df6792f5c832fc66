import { OpsError } from '../errors.ts';
import { lastLine, slurm } from '../slurm/command.ts';
import { showAssociations, type UserAssociations } from '../slurm/sacctmgr.ts';
import { type ClusterConfig, showConfig } from '../slurm/scontrol-config.ts';
import { type PartitionLimits, showPartitions } from '../slurm/scontrol-partition.ts';
import { type NodeGroup, showNodeGroups } from '../slurm/sinfo.ts';
import { currentUser, type System } from '../system/system.ts';
import { askLoginNode, type LoginNode } from './login-node.ts';

/** What `sbatch --test-only` said to one way of asking for a GPU. */
export interface GpuTrial {
  readonly option: string;
  readonly accepted: boolean;
  /** Slurm's own last line. */
  readonly answer: string;
}

/** Everything that the cluster and this machine answered. A question that failed holds the reason. */
export interface Survey {
  readonly cluster: ClusterConfig;
  readonly partitions: readonly PartitionLimits[];
  readonly nodeGroups: readonly NodeGroup[];
  /** Empty without a GPU partition; the second way is tried only when the first was refused. */
  readonly gpuTrials: readonly GpuTrial[];
  readonly associations: UserAssociations | { readonly failure: string } | null;
  readonly pyxis: boolean;
  readonly loginNode: LoginNode;
}

/**
 * Asks the cluster: at most seven Slurm commands, whatever its size, each with a limit. No job is submitted.
 * @throws OpsError 69 without Slurm, 75 when it does not answer.
 */
export async function probe(system: System): Promise<Survey> {
  // First and alone: with the controller down one question should wait, not four.
  const cluster = await showConfig(system);
  const [partitions, nodeGroups, associations, pyxis, loginNode] = await Promise.all([
    showPartitions(system),
    showNodeGroups(system),
    cluster.accounting ? askAssociations(system, cluster.name) : null,
    hasPyxis(system),
    askLoginNode(system),
  ]);
  const gpuTrials = await tryGpus(system, partitions, nodeGroups);
  return { cluster, partitions, nodeGroups, gpuTrials, associations, pyxis, loginNode };
}

/** slurmdbd may be down while Slurm is up: the profile is worth having without accounts. */
async function askAssociations(system: System, cluster: string | null): Promise<Survey['associations']> {
  try {
    return await showAssociations(system, currentUser(), cluster);
  } catch (error) {
    if (error instanceof OpsError) return { failure: error.message };
    throw error;
  }
}

/** pyxis is a plugin of srun: it shows in its help. */
async function hasPyxis(system: System): Promise<boolean> {
  return (await slurm(system, ['srun', '--help'])).stdout.includes('--container-image');
}

async function tryGpus(
  system: System,
  partitions: readonly PartitionLimits[],
  groups: readonly NodeGroup[],
): Promise<GpuTrial[]> {
  const usable = partitions.filter((partition) => !partition.rootOnly).map(({ name }) => name);
  const group = groups.find(({ partition, gpus }) => gpus > 0 && usable.includes(partition));
  if (!group) return [];
  const kind = group.gpuType === null ? 'gpu' : `gpu:${group.gpuType}`;
  const byGres = await tryGpu(system, group.partition, `--gres=${kind}:1`);
  return byGres.accepted ? [byGres] : [byGres, await tryGpu(system, group.partition, '--gpus-per-node=1')];
}

async function tryGpu(system: System, partition: string, option: string): Promise<GpuTrial> {
  const argv = [
    'sbatch',
    '--test-only',
    `--partition=${partition}`,
    '--nodes=1',
    '--time=1',
    option,
    '--wrap=true',
  ];
  const { ok, stderr } = await slurm(system, argv);
  return { option, accepted: ok, answer: lastLine(stderr) };
}
