import type { PartitionLimits } from '../slurm/scontrol-partition.ts';
import type { NodeGroup } from '../slurm/sinfo.ts';
import { descriptionOf } from './check.ts';
import { chooseDataRoot } from './data-root.ts';
import type { GpuTrial, Survey } from './probe.ts';
import { profileSchema } from './schema.ts';

export type Scalar = string | number | boolean | null;
export type Value = Scalar | readonly Scalar[] | { readonly entries: readonly Entry[] };

/** One key of a profile as `opsctl init` would write it. */
export interface Entry {
  readonly key: string;
  readonly value: Value;
  /** Lines to stand above it; a repeated run never changes the ones in the file. */
  readonly comment: readonly string[];
  /**
   * - `fact`: the cluster said so: compared with the file, and taken over by --update
   * - `guess`: a proposal, written only where the file has no such key
   * - `blank`: for the person to fill in, written only into a new profile
   */
  readonly kind: 'fact' | 'guess' | 'blank';
  /** It is what a missing key means anyway, so it need not be written. */
  readonly implied?: boolean;
}

/** The profile that a survey amounts to, in the order in which it is written. */
export function findings(survey: Survey): Entry[] {
  return [...fromSlurm(survey), ...fromLoginNode(survey), ...forThePerson()];
}

function fromSlurm({ cluster, partitions, nodeGroups, gpuTrials, associations }: Survey): Entry[] {
  const refused = associations !== null && 'failure' in associations ? associations.failure : null;
  const known =
    associations !== null && 'accounts' in associations ? associations : { accounts: [], qos: [] };
  const kind = associations !== null && refused === null ? 'fact' : 'blank';
  const missing = refused === null ? [] : [`Not known: ${refused}. Run "opsctl init" again when it answers.`];
  const usable = partitions.filter((partition) => !partition.rootOnly);
  const entries = usable.map((partition) => partitionEntry(partition, nodeGroups));
  return [
    entry('fact', ['cluster'], cluster.name),
    entry('fact', ['slurm_version'], cluster.version),
    entry('fact', ['accounting'], cluster.accounting),
    entry('fact', ['partitions'], { entries }, [
      'max_time, max_nodes, allow_accounts and allow_qos are limits; a missing one is no limit.',
      'Where nodes differ, the shape is that of the nodes with the most GPUs.',
    ]),
    entry('fact', ['gpu_request'], gpuRequest(gpuTrials), gpuTrials.map(trialText)),
    entry(kind, ['accounts'], known.accounts, missing),
    entry(kind, ['qos'], known.qos, missing),
  ];
}

function fromLoginNode({ pyxis, loginNode }: Survey): Entry[] {
  const dataRoot = chooseDataRoot(loginNode.dataRoots);
  const network = [
    entry('guess', ['network', 'interfaces'], loginNode.interfaces),
    entry('guess', ['network', 'ib_devices'], loginNode.ibDevices),
    entry('blank', ['network', 'socket_ifname'], null),
    entry('blank', ['network', 'ib_hca'], null),
  ];
  return [
    entry('guess', ['container'], pyxis ? 'pyxis' : (loginNode.containerProgram ?? 'none'), [
      'pyxis shows in "srun --help"; the others were looked for on the PATH of the login node.',
    ]),
    entry('guess', ['network'], { entries: network }),
    entry('guess', ['data_root'], dataRoot.path, [dataRoot.reason]),
  ];
}

function forThePerson(): Entry[] {
  const environment = [
    entry('blank', ['environment', 'modules'], []),
    entry('blank', ['environment', 'activate'], null),
    entry('blank', ['environment', 'python'], 'python3'),
  ];
  return [
    entry('blank', ['environment'], { entries: environment }),
    entry('blank', ['secrets_file'], null),
    entry('blank', ['defaults'], { entries: [] }, [
      'Such as "trainer: trl" or "time: 1-00:00:00"; "opsctl render sft --help" lists those of sft.',
    ]),
    entry('blank', ['phases'], { entries: [] }, ['Such as "sft: { nodes: 4 }".']),
  ];
}

function entry(
  kind: Entry['kind'],
  keyPath: readonly string[],
  value: Value,
  remarks: readonly string[] = [],
): Entry {
  const comment = [descriptionOf(profileSchema, keyPath), ...remarks].filter((line) => line !== '');
  return { kind, key: keyPath.at(-1) ?? '', value, comment };
}

/** Null and false are what the schema takes a missing key for. */
function partitionEntry(partition: PartitionLimits, groups: readonly NodeGroup[]): Entry {
  const own = groups.filter((group) => group.partition === partition.name);
  const [shape] = [...own].sort((a, b) => b.gpus - a.gpus || b.nodes - a.nodes);
  const keys: Record<string, Value> = {
    default: partition.isDefault,
    max_time: partition.maxTime,
    max_nodes: partition.maxNodes,
    nodes: partition.nodes ?? own.reduce((sum, group) => sum + group.nodes, 0),
    gpus_per_node: shape?.gpus ?? null,
    gpu_type: shape?.gpuType ?? null,
    cpus_per_node: shape?.cpus ?? null,
    memory_mb: shape?.memoryMb ?? null,
    allow_accounts: partition.allowAccounts,
    allow_qos: partition.allowQos,
  };
  const entries = Object.entries(keys).map(([key, value]): Entry => {
    return { kind: 'fact', key, value, comment: [], implied: value === null || value === false };
  });
  return { kind: 'fact', key: partition.name, value: { entries }, comment: partitionRemarks(partition, own) };
}

function partitionRemarks(partition: PartitionLimits, groups: readonly NodeGroup[]): string[] {
  const shapes = groups.map(({ nodes, gpus, gpuType, memoryMb }) => {
    const gpuText = gpus === 0 ? 'no GPU' : `${gpus} ${gpuType ?? 'GPUs'}`;
    return `${nodes} with ${gpuText} and ${memoryMb} MB`;
  });
  return [
    ...(shapes.length > 1 ? [`Nodes differ: ${shapes.join('; ')}.`] : []),
    ...(partition.isHidden ? ['Hidden: sinfo shows it only with --all.'] : []),
    ...(partition.allowGroups ? [`Only for the Unix groups ${partition.allowGroups.join(', ')}.`] : []),
  ];
}

/** --gres works with every SelectType; --gpus-per-node is for sites that refuse it. */
function gpuRequest(trials: readonly GpuTrial[]): string {
  if (trials.length === 0) return 'none';
  const accepted = trials.find((trial) => trial.accepted);
  return accepted?.option.startsWith('--gpus-per-node') ? 'gpus-per-node' : 'gres';
}

function trialText({ option, accepted, answer }: GpuTrial): string {
  return accepted
    ? `sbatch --test-only accepts ${option}.`
    : `sbatch --test-only refuses ${option}: ${answer}`;
}
