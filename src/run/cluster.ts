import type { Partition, Profile } from '../config/schema.ts';
import { parseDuration } from '../slurm/duration.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { didYouMean } from '../terminal/suggest.ts';

type Values = Readonly<Record<string, ParameterValue>>;

/** The partition that the run will be in, as far as the profile knows it. */
export function partitionOf(profile: Profile, values: Values): Partition | undefined {
  if (values.partition !== null && values.partition !== undefined)
    return profile.partitions[String(values.partition)];
  return Object.values(profile.partitions).find((partition) => partition.default);
}

/**
 * What was left open and follows from the cluster: exclusive nodes get all of their CPUs and memory, a share of the
 * GPUs gets the same share of the CPUs.
 */
export function fromCluster(profile: Profile, values: Values): Record<string, ParameterValue> {
  const partition = partitionOf(profile, values);
  const wholeNode = Number(values.gpus_per_node) > 0 && values.gpus_per_node === partition?.gpus_per_node;
  const exclusive = values.exclusive ?? wholeNode;
  return {
    exclusive,
    cpus_per_node:
      values.cpus_per_node ?? cpusOf(partition, Number(values.gpus_per_node), exclusive === true),
    memory: values.memory ?? (exclusive ? '0' : null),
  };
}

function cpusOf(partition: Partition | undefined, gpus: number, exclusive: boolean): number | null {
  const all = partition?.cpus_per_node ?? null;
  if (all === null || exclusive) return all;
  const share = gpus / (partition?.gpus_per_node ?? 0);
  return share > 0 && share <= 1 ? Math.max(1, Math.floor(all * share)) : null;
}

/** How GPUs are asked for on this cluster, as an option of sbatch; null when none are, or Slurm knows of none. */
export function gpuOption(profile: Profile, values: Values): string | null {
  if (profile.gpu_request === 'none' || !values.gpus_per_node) return null;
  const type = partitionOf(profile, values)?.gpu_type;
  const gpus = type ? `${type}:${values.gpus_per_node}` : String(values.gpus_per_node);
  return profile.gpu_request === 'gpus-per-node' ? `--gpus-per-node=${gpus}` : `--gres=gpu:${gpus}`;
}

/** What the cluster can never grant, in words: Slurm itself would accept some of it and let the job wait for ever. */
export function impossible(profile: Profile, values: Values): string[] {
  const names = Object.keys(profile.partitions);
  if (names.length === 0) return [];
  const partition = partitionOf(profile, values);
  if (!partition) {
    // Slurm takes a list too and chooses the one that starts first: then each has its own limits.
    const asked = String(values.partition ?? '')
      .split(',')
      .filter((name) => name !== '' && !names.includes(name));
    return asked.map(
      (name) => `partition: there is no "${name}".${didYouMean(name, names)} There are: ${names.join(', ')}`,
    );
  }
  const where = values.partition ? `the partition ${values.partition}` : 'the default partition';
  const problems: string[] = [];
  const most = Math.min(
    partition.max_nodes ?? Number.POSITIVE_INFINITY,
    partition.nodes ?? Number.POSITIVE_INFINITY,
  );
  if (Number(values.nodes) > most)
    problems.push(`nodes: ${values.nodes} are asked for; ${where} gives a job at most ${most}`);
  if (
    partition.gpus_per_node !== undefined &&
    partition.gpus_per_node !== null &&
    Number(values.gpus_per_node) > partition.gpus_per_node
  ) {
    problems.push(
      `gpus_per_node: ${values.gpus_per_node} are asked for; ${where} has ${partition.gpus_per_node} a node`,
    );
  }
  const limit = parseDuration(String(partition.max_time ?? 'UNLIMITED'));
  const asked = parseDuration(String(values.time));
  if (limit !== undefined && asked !== undefined && asked > limit) {
    problems.push(`time: ${values.time} is asked for; ${where} ends jobs after ${partition.max_time}`);
  }
  return problems;
}
