import { prints, printsChanged, type Setting } from './support.ts';
import { ANSWERING } from './tools.ts';

export interface Case extends Setting {
  readonly check: string;
  readonly title: string;
  /** The rules that hold, as "fact severity"; every other rule of the check does not. */
  readonly fires: readonly string[];
}

const A10 = 'nvidia-smi/q-a10-535.129.03.txt';
const healthyA10 = (text: string) =>
  text.replace(/(Uncorrectable Error +: )4/, '$10').replace(/(Remapped Rows[\s\S]*?Pending +: )Yes/, '$1No');
/** As getent prints a name that /etc/hosts has behind the machine's own address. */
const LOOPBACK =
  "echo '127.0.1.1       STREAM' \"$2\"; echo '127.0.1.1       DGRAM  '; echo '127.0.1.1       RAW    '";
const smi = (change: (text: string) => string) => ({
  'nvidia-smi': printsChanged(A10, (text) => change(healthyA10(text))),
});
const gpu = (title: string, fires: string[], rest: Partial<Setting>): Case => ({
  check: 'gpu',
  title,
  fires,
  env: { CHECK_GPUS: '1' },
  ...rest,
});

/** The recorded report of a sound GPU with one line changed to what nvidia-smi prints there when it is not. */
const GPU: readonly Case[] = [
  gpu('a sound A10', [], { tools: smi((text) => text) }),
  gpu('an A10 whose rows wait to be remapped', ['gpu_remap_pending warning'], {
    tools: { 'nvidia-smi': prints(A10) },
  }),
  gpu('a workstation card in use on an idle node', ['gpu_memory_mib warning'], {
    tools: { 'nvidia-smi': prints('nvidia-smi/q-titan-v-560.35.03.txt') },
    env: { CHECK_GPUS: '1', CHECK_GPUS_IDLE: 'yes' },
  }),
  gpu('one of eight H100 held back by the power brake', ['gpu_slowdown warning'], {
    tools: {
      'nvidia-smi': printsChanged('nvidia-smi/q-h100-535.161.08-first-of-8.txt', (text) =>
        text.replace(/(Attached GPUs +: )8/, '$11'),
      ),
    },
  }),
  gpu('a GPU too few', ['gpus_missing critical'], {
    tools: smi((text) => text),
    env: { CHECK_GPUS: '8' },
  }),
  ...['error-device-handle-old', 'error-device-handle-525'].map((file) =>
    gpu(`a lost GPU (${file})`, ['gpu_driver critical', 'gpus_missing critical'], {
      tools: { 'nvidia-smi': prints(`nvidia-smi/${file}.txt`, 6) },
    }),
  ),
  gpu('another driver than library', ['gpu_driver critical', 'gpus_missing critical'], {
    tools: { 'nvidia-smi': prints('nvidia-smi/error-version-mismatch.txt', 18) },
  }),
  gpu('no devices', ['gpu_driver critical', 'gpus_missing critical'], {
    tools: { 'nvidia-smi': prints('nvidia-smi/error-no-devices.txt', 6) },
  }),
  gpu('no nvidia-smi on a GPU node', ['gpu_driver critical', 'gpus_missing critical'], { alone: true }),
  gpu('no nvidia-smi on a CPU node', [], { alone: true, env: { CHECK_GPUS: '0' } }),
  ...(
    [
      ['gpu_ecc critical', /(Volatile[\s\S]*?DRAM Uncorrectable +: )0/, '$12'],
      [
        'gpu_sram_threshold critical',
        /(Aggregate\n[\s\S]*?DRAM Uncorrectable +: 0\n)/,
        '$1            SRAM Threshold Exceeded       : Yes\n',
      ],
      ['gpu_pages_pending warning', /(Pending Page Blacklist +: )N\/A/, '$1Yes'],
      ['gpu_remap_failed critical', /(Remapping Failure Occurred +: )No/, '$1Yes'],
      ['gpu_reset_required critical', /(Reset Required +: )No/, '$1Yes'],
      ['gpu_thermal warning', /(HW Thermal Slowdown +: )Not Active/, '$1Active'],
      ['gpu_margin_celsius warning', /(GPU Current Temp +: )33/, '$195'],
      ['gpu_pcie_narrow critical', /(Link Width\n.*\n +Current +: )16x/, '$18x'],
      ['gpu_fabric_bad critical', /(Fabric\n +State +: )N\/A/, '$1In Progress'],
    ] as const
  ).map(([rule, from, to]) => gpu(rule, [rule], { tools: smi((text) => text.replace(from, to)) })),
  {
    check: 'gpu-links',
    title: 'eight H100 with all NVLinks',
    fires: [],
    tools: { 'nvidia-smi': ANSWERING['nvidia-smi'] ?? '' },
  },
  {
    check: 'gpu-links',
    title: 'PCIe cards on two sockets',
    fires: ['gpu_link warning'],
    tools: { 'nvidia-smi': prints('nvidia-smi/topo-m-pcie.txt') },
  },
  {
    check: 'gpu-links',
    title: 'one NVLink inactive',
    fires: ['nvlinks_down critical'],
    tools: {
      'nvidia-smi': `if [[ $1 == topo ]]; then ${prints('nvidia-smi/topo-m-h100.txt')}; fi
${printsChanged('nvidia-smi/nvlink-s-a100.txt', (text) => text.replace('Link 3: 25 GB/s', 'Link 3: <inactive>'))}`,
    },
  },
];

const kernel = (title: string, fires: string[], script: string): Case => ({
  check: 'kernel',
  title,
  fires,
  tools: { dmesg: script },
  env: { CHECK_WINDOW_HOURS: '1000000' },
});
const KERNEL: readonly Case[] = [
  kernel('a GPU off the bus', ['xid_fatal critical'], prints('dmesg/xid-79.txt')),
  kernel(
    'a GPU off the bus, said without a number',
    ['xid_fatal critical'],
    prints('dmesg/fallen-off-no-xid.txt'),
  ),
  kernel('a row to be remapped', ['xid_other warning'], prints('dmesg/xid-63.txt')),
  kernel('faults of programs', ['xid_other warning'], prints('dmesg/xid-app.txt')),
  kernel('an NVSwitch', ['sxid_fatal critical'], prints('dmesg/sxid.txt')),
  kernel(
    'memory, locks and file systems',
    ['oom_kills warning', 'lockups warning', 'hung_tasks warning', 'fs_errors warning'],
    prints('dmesg/trouble.txt'),
  ),
  kernel(
    'a link that comes and goes',
    ['ib_link_downs warning'],
    printsChanged('dmesg/trouble.txt', (text) => `${text.split('\n')[0]}\n`.repeat(5)),
  ),
  {
    check: 'kernel',
    title: 'a log that may not be read',
    fires: ['kernel_log unknown'],
    tools: { dmesg: 'echo "dmesg: read kernel buffer failed: Operation not permitted" >&2; exit 1' },
    alone: true,
  },
  {
    check: 'kernel',
    title: 'a log that may not be read, and a journal that gives nothing, with exit code 0',
    fires: ['kernel_log unknown'],
    tools: { dmesg: 'exit 1', journalctl: ':' },
    alone: true,
  },
  {
    check: 'kernel',
    title: 'a log that may not be read, and a journal that fails behind a whole line',
    fires: ['kernel_log unknown'],
    tools: { dmesg: 'exit 1', journalctl: "echo '[    0.000000] node kernel: Linux version 6'; exit 1" },
    alone: true,
  },
  {
    check: 'kernel',
    title: 'what happened before the window',
    fires: [],
    tools: { dmesg: prints('dmesg/xid-79.txt') },
    env: { CHECK_WINDOW_HOURS: '1' },
    before: 'echo "99999.00 1.00" >uptime; mount --bind uptime /proc/uptime',
  },
];

const ibstat = (script: string, names: string) => ({
  ibstat: `if [[ \${1-} == -l ]]; then printf '%s\\n' ${names}; else ${script}\nfi`,
});
const NETWORK: readonly Case[] = [
  {
    check: 'infiniband',
    title: 'two ports disabled on purpose',
    fires: [],
    tools: { ibstat: ANSWERING.ibstat ?? '' },
  },
  {
    check: 'infiniband',
    title: 'no subnet manager',
    fires: ['ib_down critical'],
    tools: ibstat(prints('ibstat/initializing-no-subnet-manager.txt'), 'mlx5_0'),
  },
  {
    check: 'infiniband',
    title: 'one port slower than the other',
    fires: ['ib_slow warning'],
    tools: ibstat(
      printsChanged('ibstat/h100-some-disabled.txt', (text) => text.replace('Ethernet', 'InfiniBand')),
      'mlx5_0 mlx5_1 mlx5_2',
    ),
  },
  { check: 'nccl-net', title: 'loopback by name', fires: [], env: { NCCL_SOCKET_IFNAME: '=lo' } },
  {
    check: 'nccl-net',
    title: 'interfaces and adapters that are not here',
    fires: ['net_chosen critical', 'gloo_missing critical', 'hca_bad critical'],
    env: { NCCL_SOCKET_IFNAME: '=nosuch0', GLOO_SOCKET_IFNAME: 'nosuch0', NCCL_IB_HCA: 'mlx5_9:1' },
  },
  {
    check: 'nccl-net',
    title: 'a way that leaves by another interface',
    fires: ['net_unrouted critical'],
    tools: { ip: ANSWERING.ip ?? '', getent: 'exit 2' },
    env: {
      NCCL_SOCKET_IFNAME: 'lo',
      CHECK_PEERS: 'gnode02',
      CHECK_PEER_ADDRESSES: 'gnode01=x gnode02=8.8.8.8',
    },
  },
  {
    check: 'nccl-net',
    title: 'a way by the chosen interface, over IPv6',
    fires: [],
    tools: {
      ip: "echo 'fd00::7 from :: via fd00::1 dev lo proto static src fd00::5 metric 1024 pref medium\\    '",
      getent: 'exit 2',
    },
    env: { NCCL_SOCKET_IFNAME: 'lo', CHECK_PEERS: 'gnode02', CHECK_PEER_ADDRESSES: 'gnode02=fd00::7' },
  },
  {
    check: 'nccl-net',
    title: 'no way to a node',
    fires: ['net_unrouted critical'],
    tools: { ip: 'echo "RTNETLINK answers: Network is unreachable" >&2; exit 2' },
    env: { NCCL_SOCKET_IFNAME: 'lo', CHECK_PEERS: 'gnode02', CHECK_PEER_ADDRESSES: 'gnode02=10.9.9.9' },
  },
  {
    check: 'nccl-net',
    title: 'nodes of one machine, whose names no server knows',
    fires: [],
    tools: { ip: 'exit 1', getent: 'exit 2' },
    env: { CHECK_PEERS: 'gnode01 gnode02', CHECK_PEER_ADDRESSES: 'gnode01=127.0.0.1 gnode02=127.0.0.1' },
  },
  {
    check: 'nccl-net',
    title: 'a node whose name leads back to the machine that asks',
    fires: ['net_unrouted critical'],
    tools: { ip: 'exit 1', getent: LOOPBACK },
    env: {
      SLURMD_NODENAME: 'gnode01',
      CHECK_PEERS: 'gnode01 gnode02',
      CHECK_PEER_ADDRESSES: 'gnode01=gnode01 gnode02=gnode02-ib',
    },
  },
  {
    check: 'nccl-net',
    title: 'the first node, whose own name leads back to it, as on Debian',
    fires: [],
    tools: { ip: ANSWERING.ip ?? '', getent: LOOPBACK },
    env: { SLURMD_NODENAME: 'gnode01', CHECK_PEERS: 'gnode01', NCCL_SOCKET_IFNAME: 'lo' },
  },
  {
    check: 'nccl-net',
    title: 'nodes of one machine, that Slurm reaches by "localhost"',
    fires: [],
    tools: { ip: 'exit 1', getent: LOOPBACK },
    env: {
      SLURMD_NODENAME: 'gnode02',
      CHECK_PEERS: 'gnode01 gnode02',
      CHECK_PEER_ADDRESSES: 'gnode01=localhost gnode02=localhost',
    },
  },
  {
    check: 'nccl-net',
    title: 'a node without an address',
    fires: ['net_unrouted critical'],
    tools: { ip: ANSWERING.ip ?? '', getent: 'exit 2' },
    env: { NCCL_SOCKET_IFNAME: 'lo', CHECK_PEERS: 'gnode02', CHECK_PEER_ADDRESSES: 'gnode02=gnode02-ib' },
  },
  {
    check: 'nccl-net',
    title: 'a chosen interface that is down',
    fires: ['net_chosen critical', 'net_chosen_down warning'],
    env: { NCCL_SOCKET_IFNAME: '=eth7' },
    before: 'mount -t tmpfs t /sys; mkdir -p /sys/class/net/eth7; echo down >/sys/class/net/eth7/operstate',
  },
  { check: 'port', title: 'no port', fires: [] },
  { check: 'port', title: 'no number', fires: ['port critical'], env: { MASTER_PORT: '99999' } },
  {
    check: 'port',
    title: 'a port that the kernel gives away',
    fires: ['port_ephemeral warning'],
    env: { MASTER_PORT: '50001' },
  },
];

const SLURM: readonly Case[] = [
  {
    check: 'slurm',
    title: 'half of the nodes down',
    fires: [
      'nodes_down_percent critical',
      'nodes_down_percent warning',
      'nodes_kill_failed warning',
      'gpus_short critical',
    ],
    tools: { scontrol: ANSWERING.scontrol ?? '', sinfo: ANSWERING.sinfo ?? '' },
    env: { CHECK_GPUS: '16' },
  },
  {
    check: 'slurm',
    title: 'all well',
    fires: [],
    tools: {
      scontrol: ANSWERING.scontrol ?? '',
      sinfo: printsChanged('sinfo/two-of-four-down.txt', (text) =>
        text.replace(/\|(drained|down)\|(.*)\|[^|]+\|\./g, '|idle|$2|none|.'),
      ),
    },
  },
  {
    check: 'slurm',
    title: 'a controller that is down',
    fires: ['controller_up critical'],
    tools: { scontrol: printsChanged('scontrol/ping-up.txt', (text) => text.replace('UP', 'DOWN'), 1) },
  },
  ...(
    [
      ['research', {}, []],
      ['nobody', {}, ['account critical']],
      ['research', { CHECK_QOS: 'urgent' }, ['account critical']],
      ['research', { CHECK_QOS: 'high' }, []],
      ['research', { CHECK_NODES: '9' }, ['partition_short_nodes critical']],
    ] as const
  ).map(
    ([account, env, fires]): Case => ({
      check: 'slurm-access',
      title: `account ${account} ${JSON.stringify(env)}`,
      fires,
      tools: { scontrol: ANSWERING.scontrol ?? '', sacctmgr: ANSWERING.sacctmgr ?? '' },
      env: { CHECK_PARTITION: 'gpu', CHECK_ACCOUNT: account, ...env },
    }),
  ),
  {
    check: 'slurm-access',
    title: 'no accounting, in the words of 22.05',
    fires: [],
    tools: {
      scontrol: ANSWERING.scontrol ?? '',
      sacctmgr:
        'printf "%s\\n" "You are not running a supported accounting_storage plugin" "Only \'accounting_storage/slurmdbd\' is supported." >&2; exit 1',
    },
    env: { CHECK_PARTITION: 'gpu', CHECK_ACCOUNT: 'research' },
  },
  ...(
    [
      ['State=UP', 'State=DOWN'],
      ['AllowAccounts=ALL', 'AllowAccounts=other'],
    ] as const
  ).map(
    ([from, to]): Case => ({
      check: 'slurm-access',
      title: to,
      fires: ['partition critical'],
      tools: {
        scontrol: printsChanged('scontrol/show-partition.txt', (text) => text.replace(from, to)),
        sacctmgr: ANSWERING.sacctmgr ?? '',
      },
      env: { CHECK_PARTITION: 'gpu', CHECK_ACCOUNT: 'research' },
    }),
  ),
];

export const RECORDED_CASES: readonly Case[] = [...GPU, ...KERNEL, ...NETWORK, ...SLURM];
