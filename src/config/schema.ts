import * as z from 'zod/mini';
import { parseDuration } from '../slurm/duration.ts';
import { alertsSchema } from './alerts-schema.ts';
import { automationSchema } from './automation-schema.ts';
import { notifySchema } from './notify-schema.ts';
import { watchSchema } from './watch-schema.ts';

/** Bounds that no cluster comes near: they catch a slipped key, not a large machine. */
const MAX_COUNT = 1_000_000;
const MAX_MEMORY_MB = 1_000_000_000;

const word = z.string().check(z.regex(/^[^\u0000-\u001f\u007f]+$/, 'expected one line of text'));
const absolutePath = z
  .string()
  .check(z.regex(/^\/[^\u0000-\u001f\u007f]*$/, 'expected an absolute path, beginning with "/"'));
/** Partitions, accounts and QOS, and profiles, which are mostly called as their cluster. */
export const slurmName = z
  .string()
  .check(z.regex(/^[^\s,|;&<>(){}[\]"'`$\\\u0000-\u001f]+$/, 'expected a name as Slurm spells it'));
const duration = z
  .string()
  .check(
    z.refine(
      (text) => parseDuration(text) !== undefined,
      'expected a time as Slurm writes it, such as 7-00:00:00 or 12:00:00',
    ),
  );
const count = z.int().check(z.minimum(0), z.maximum(MAX_COUNT));
const memory = z.int().check(z.minimum(0), z.maximum(MAX_MEMORY_MB));

/** A value that may be left open: null, and the description says what that means. */
function open<T extends z.core.$ZodType>(schema: T, description: string) {
  return z._default(z.nullable(schema), null).check(z.describe(description));
}

/** A map or list with nothing in it: also one whose entries are all commented out, which YAML calls null. */
function filled<Output, Input>(schema: z.ZodMiniType<Output, Input>, empty: Input, description: string) {
  const orEmpty = z.pipe(
    z.transform((value: unknown): unknown => value ?? empty),
    schema as z.ZodMiniType<Output, unknown>,
  );
  return z.prefault(orEmpty, empty).check(z.describe(description));
}

const partitionSchema = z.strictObject({
  default: z
    ._default(z.boolean(), false)
    .check(z.describe('Slurm uses this partition when a job names none')),
  max_time: open(duration, 'The longest job allowed, as Slurm writes times: 7-00:00:00; null: no limit'),
  max_nodes: open(count, 'The most nodes that one job may have; null: no limit'),
  nodes: open(count, 'Nodes in the partition'),
  gpus_per_node: open(count, 'GPUs in one node; 0 in a CPU partition, null when not known'),
  gpu_type: open(slurmName, 'The GPU type in GRES, such as a100; null when GPUs have no type here'),
  cpus_per_node: open(count, 'CPUs of one node, as Slurm counts them'),
  memory_mb: open(memory, 'Memory of one node, in MB'),
  allow_accounts: open(z.array(slurmName), 'Only these accounts may use it; null: every account'),
  allow_qos: open(z.array(slurmName), 'Only these QOS may be used in it; null: every QOS'),
});

const networkSchema = z.strictObject({
  interfaces: filled(
    z.array(word),
    [],
    'Network interfaces seen where `opsctl init` ran; compute nodes may have others',
  ),
  ib_devices: filled(z.array(word), [], 'InfiniBand or RoCE devices seen where `opsctl init` ran'),
  socket_ifname: open(word, 'NCCL_SOCKET_IFNAME of jobs, such as eth0 or ^lo,docker; null: NCCL chooses'),
  ib_hca: open(word, 'NCCL_IB_HCA of jobs, such as mlx5_0,mlx5_1; null: NCCL uses all that it finds'),
});

const environmentSchema = z.strictObject({
  modules: filled(z.array(word), [], 'Loaded with `module load`, in this order'),
  activate: open(absolutePath, 'A file that jobs source, such as /data/me/venv/bin/activate'),
  python: z
    ._default(word, 'python3')
    .check(z.describe('The Python of jobs, once modules and activate are done')),
});

/** Which parameters there are depends on the template, so their names are checked where one is rendered. */
export const parametersSchema = z.record(
  z
    .string()
    .check(z.regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'expected a parameter name: letters, digits, "_" and "-"')),
  z.nullable(
    z.union([z.string(), z.number(), z.boolean()], 'expected one value, such as 4, sft-data or true'),
  ),
);

export const profileSchema = z.strictObject({
  cluster: open(slurmName, 'ClusterName of this Slurm'),
  slurm_version: open(word, 'Version of Slurm when the profile was written, such as 22.05.8'),
  accounting: open(
    z.boolean(),
    'slurmdbd is there, so sacct and sacctmgr answer; null: not known, ask each time',
  ),
  partitions: filled(
    z.record(slurmName, filled(partitionSchema, {}, 'Limits of the partition and the shape of its nodes')),
    {},
    'Partitions that jobs may use, with their limits',
  ),
  gpu_request: z
    ._default(z.enum(['gres', 'gpus-per-node', 'none']), 'gres')
    .check(z.describe('How jobs ask for GPUs here: --gres=gpu:N, --gpus-per-node=N, or not at all')),
  accounts: filled(z.array(slurmName), [], "This user's accounts, the default one first"),
  qos: filled(z.array(slurmName), [], 'QOS that this user may ask for, the default one first'),
  container: z
    ._default(z.enum(['pyxis', 'apptainer', 'singularity', 'none']), 'none')
    .check(z.describe('What runs containers in jobs here')),
  network: filled(networkSchema, {}, 'How nodes reach each other'),
  data_root: open(
    absolutePath,
    'A shared, large, writable directory: caches and temporary files of jobs go under it',
  ),
  environment: filled(environmentSchema, {}, "How a job's shell finds its Python"),
  secrets_file: open(
    absolutePath,
    'A file of mode 0600 that jobs source on the node (export WANDB_API_KEY=...); never copied into a script',
  ),
  limits: filled(
    z.record(
      z.string().check(z.regex(/^[a-z0-9_]+$/, 'expected the name of a limit, such as shm_free_mib')),
      z.union([z.int(), z.string()]),
    ),
    {},
    'Thresholds of the checks that differ here, such as shm_free_mib: 4096; `opsctl checks show ID` names them',
  ),
  defaults: filled(parametersSchema, {}, 'Template parameters for every phase'),
  phases: filled(
    z.record(
      z.string().check(z.regex(/^[a-z][a-z0-9-]*$/, 'expected the name of a phase, such as sft')),
      filled(parametersSchema, {}, 'Template parameters for this phase'),
    ),
    {},
    'Template parameters for one phase, stronger than `defaults`',
  ),
  alerts: filled(alertsSchema, {}, 'When an alert is told, repeated and kept back'),
  watch: filled(watchSchema, {}, 'From when on `opsctl watch` says something'),
  automation: filled(automationSchema, {}, 'How far opsctl may repair without a person'),
  notify: open(z.lazy(notifySchema), 'Who is told of alerts and how; null: nobody'),
});

export const configSchema = z.strictObject({
  version: z._default(z.literal(1), 1).check(z.describe('Version of this format')),
  profile: open(z.string(), 'The profile used without --profile; not needed when there is only one'),
  profiles: filled(
    z.record(slurmName, filled(profileSchema, {}, 'What opsctl knows of one cluster')),
    {},
    'One entry for each cluster',
  ),
});

export type Config = z.infer<typeof configSchema>;
export type Profile = z.infer<typeof profileSchema>;
export type Partition = z.infer<typeof partitionSchema>;
