import { layout, type Sandbox } from './sandbox.ts';
import { nodeList } from './shape.ts';

/**
 * Seconds that a job step's credential is good for. Slurm also holds a requeued job back this long (120 s by
 * default; slurm.conf(5), AuthInfo), and a sandbox is for trying requeues.
 */
const CREDENTIAL_SECONDS = 15;
/** Memory a job gets for each CPU it does not name memory for, as a share of the node's. */
const DEFAULT_MEMORY_SHARE = 0.5;

/** The whole of slurm.conf. */
export function slurmConf(sandbox: Sandbox): string {
  const files = layout(sandbox.dir);
  const { shape, ports } = sandbox;
  const nodes = nodeList(shape.nodes);
  const lastPort = ports.firstNode + shape.nodes - 1;
  const memoryPerCpu = Math.max(1, Math.floor((shape.memoryMb / shape.cpusPerNode) * DEFAULT_MEMORY_SHARE));
  return lines([
    '# A private Slurm of "opsctl sandbox". "opsctl sandbox down" deletes it.',
    `ClusterName=${sandbox.cluster}`,
    `SlurmctldHost=${sandbox.host}(127.0.0.1)`,
    `SlurmctldPort=${ports.controller}`,
    `SlurmUser=${sandbox.user}`,
    `SlurmdUser=${sandbox.user}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${files.mungeSocket},cred_expire=${CREDENTIAL_SECONDS}`,
    '',
    `StateSaveLocation=${files.state}`,
    `SlurmdSpoolDir=${files.spool}/%n`,
    `SlurmctldPidFile=${files.run}/slurmctld.pid`,
    `SlurmdPidFile=${files.run}/%n.pid`,
    `SlurmctldLogFile=${files.log}/slurmctld.log`,
    `SlurmdLogFile=${files.log}/%n.log`,
    '',
    'ProctrackType=proctrack/linuxproc',
    'JobAcctGatherType=jobacct_gather/linux',
    'JobAcctGatherFrequency=5',
    '# There are no cgroups here: what takes more memory than it asked for is found by polling.',
    'JobAcctGatherParams=OverMemoryKill',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core_Memory',
    ...(shape.gpusPerNode > 0 ? ['GresTypes=gpu'] : []),
    'MpiDefault=none',
    'MailProg=/bin/true',
    '',
    '# A node that comes back is used again, and a lost one is noticed while someone watches.',
    'SlurmdParameters=config_overrides',
    'ReturnToService=2',
    'SlurmdTimeout=10',
    'SlurmctldTimeout=10',
    'InactiveLimit=0',
    'KillWait=5',
    'JobRequeue=1',
    'MinJobAge=300',
    'SchedulerType=sched/backfill',
    'SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2',
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    ...accounting(sandbox),
    '',
    `NodeName=${nodes} NodeHostname=localhost NodeAddr=127.0.0.1 Port=${portList(ports.firstNode, lastPort)} ` +
      `CPUs=${shape.cpusPerNode} RealMemory=${shape.memoryMb}${gres(sandbox)} State=UNKNOWN`,
    '',
    `PartitionName=DEFAULT State=UP DefMemPerCPU=${memoryPerCpu}`,
    `PartitionName=gpu Default=YES Nodes=${nodes} DefaultTime=01:00:00 MaxTime=7-00:00:00 PriorityTier=10 PreemptMode=OFF`,
    'PartitionName=debug Nodes=gnode01 DefaultTime=00:10:00 MaxTime=00:30:00 MaxNodes=1 PriorityTier=20 PreemptMode=OFF',
    `PartitionName=scavenge Nodes=${nodes} DefaultTime=01:00:00 MaxTime=1-00:00:00 PriorityTier=1 PreemptMode=REQUEUE GraceTime=10`,
  ]);
}

function accounting(sandbox: Sandbox): string[] {
  if (!sandbox.shape.accounting) return [];
  return [
    '',
    'AccountingStorageType=accounting_storage/slurmdbd',
    'AccountingStorageHost=127.0.0.1',
    `AccountingStoragePort=${sandbox.ports.database}`,
    // With munge this "password" is the path of munged's socket (slurm.conf(5)).
    `AccountingStoragePass=${layout(sandbox.dir).mungeSocket}`,
    'AccountingStorageEnforce=associations,limits,qos',
    ...(sandbox.shape.gpusPerNode > 0 ? ['AccountingStorageTRES=gres/gpu'] : []),
  ];
}

function gres(sandbox: Sandbox): string {
  return sandbox.shape.gpusPerNode > 0 ? ` Gres=gpu:a100:${sandbox.shape.gpusPerNode}` : '';
}

function portList(first: number, last: number): string {
  return first === last ? String(first) : `[${first}-${last}]`;
}

/** gres.conf: every GPU is a link to /dev/null, which is enough for Slurm to hand out CUDA_VISIBLE_DEVICES. */
export function gresConf(sandbox: Sandbox): string {
  const { nodes, gpusPerNode } = sandbox.shape;
  if (gpusPerNode === 0) return '';
  const files = gpusPerNode === 1 ? 'nvidia0' : `nvidia[0-${gpusPerNode - 1}]`;
  return lines([
    `NodeName=${nodeList(nodes)} Name=gpu Type=a100 File=${layout(sandbox.dir).devices}/${files}`,
  ]);
}

/**
 * cgroup.conf. Nothing here uses cgroups, but slurmd loads a plugin for them all the same, and in a container
 * cgroup/v2 fails for want of dbus. "disabled" is understood since 24.05; cgroup/v1 does nothing until asked.
 */
export function cgroupConf(sandbox: Sandbox): string {
  const disabled = releaseAtLeast(sandbox.slurmVersion, 24, 5);
  return lines([`CgroupPlugin=${disabled ? 'disabled' : 'cgroup/v1'}`]);
}

/** slurmdbd.conf; Slurm demands mode 600 for it. */
export function slurmdbdConf(sandbox: Sandbox): string {
  const files = layout(sandbox.dir);
  return lines([
    'AuthType=auth/munge',
    `AuthInfo=socket=${files.mungeSocket}`,
    `DbdHost=${sandbox.host}`,
    'DbdAddr=127.0.0.1',
    `DbdPort=${sandbox.ports.database}`,
    `SlurmUser=${sandbox.user}`,
    `LogFile=${files.log}/slurmdbd.log`,
    `PidFile=${files.run}/slurmdbd.pid`,
    'StorageType=accounting_storage/mysql',
    'StorageHost=localhost',
    // The database's own root, not the system's: nobody else reaches its socket.
    'StorageUser=root',
    'StorageLoc=slurm_acct_db',
    'CommitDelay=1',
  ]);
}

/** Slurm's releases are year.month: 22.05, 23.11. */
export function releaseAtLeast(version: string, year: number, month: number): boolean {
  const [, y, m] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(y) > year || (Number(y) === year && Number(m) >= month);
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
