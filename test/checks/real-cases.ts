import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Case } from './cases.ts';
import { prints, printsChanged } from './support.ts';
import { ANSWERING } from './tools.ts';

/** A small file system of its own on a place of this machine. */
const small = (place: string, options = 'size=1m') => `mount -t tmpfs -o ${options} t ${place}`;
const KEY = '0123456789abcdef0123456789abcdef01234567';

/** vfork leaves its parent in state D until the child has ended. */
const D = '#include <unistd.h>\\nint main() { if (vfork() == 0) { sleep(9); _exit(0); } return 0; }\\n';
/** Processes of their own, which end with the probe: nothing is left on machines whose init does not wait for children. */
const inPidNamespace = (text: string) =>
  `printf '${D}' >d.cc; exec unshare -p -f --mount-proc bash -c '${text.replaceAll("'", "'\\''")}; exec "$@"' x "$@"`;

const REDUCE = {
  CHECK_PEERS: 'one two',
  CHECK_MASTER_ADDR: '127.0.0.1',
  CHECK_PYTHON: '/usr/bin/python3',
  SLURMD_NODENAME: 'two',
  SLURM_JOB_ID: String(process.pid),
};

/** A GPU's device that may not be opened, as under ConstrainDevices: on a file system without devices. */
const HIDDEN_GPU = [
  'mount -t tmpfs t /dev && mknod -m 666 /dev/null c 1 3 && ln -s /proc/self/fd /dev/fd && mkdir /dev/n',
  'mount -t tmpfs -o nodev t /dev/n && mknod -m 666 /dev/n/nvidia0 c 195 0',
  'touch /dev/nvidia0 && mount --bind /dev/n/nvidia0 /dev/nvidia0',
].join(' && ');

/** What this machine can really have: full and read-only mounts, low limits, dead and living leftovers, stuck processes. */
export const REAL_CASES: readonly Case[] = [
  { check: 'shm', title: 'room and nothing left', fires: [], before: small('/dev/shm', 'size=2g') },
  {
    check: 'all-reduce',
    title: 'two that reduce with gloo',
    fires: [],
    env: REDUCE,
    seconds: 60,
    before: `SLURMD_NODENAME=one bash ${resolve('checks/all-reduce.sh')} >/dev/null 2>&1 &`,
  },
  {
    check: 'all-reduce',
    title: 'the other one does not come',
    fires: ['all_reduce critical'],
    env: { ...REDUCE, SLURM_JOB_ID: `${process.pid}-2`, CHECK_ALL_REDUCE_SECONDS: '8' },
  },
  { check: 'all-reduce', title: 'one alone', fires: ['all_reduce unknown'] },
  {
    check: 'gpu',
    title: 'GPUs that the short job has not been given',
    fires: ['gpus_hidden unknown'],
    tools: { 'nvidia-smi': "echo 'No devices were found'; exit 6" },
    env: { CHECK_GPUS: '8' },
    before: HIDDEN_GPU,
  },
  { check: 'shm', title: 'a small one', fires: ['shm_free_mib critical'], before: small('/dev/shm') },
  {
    check: 'shm',
    title: 'leftovers of a dead process',
    fires: ['shm_leftovers warning'],
    before: `${small('/dev/shm', 'size=2g')}; echo x >/dev/shm/nccl-Ab12Cd`,
  },
  {
    check: 'shm',
    title: 'a file that a living process holds',
    fires: [],
    before: `${small('/dev/shm', 'size=2g')}; echo x >/dev/shm/nccl-Ab12Cd; sleep 5 9</dev/shm/nccl-Ab12Cd &`,
  },
  {
    check: 'limits',
    title: 'low',
    fires: [
      'limit_files_hard critical',
      'limit_files warning',
      'limit_processes warning',
      'limit_memlock_kib warning',
    ],
    before: 'ulimit -Hn 1024; ulimit -Sn 512; ulimit -l 64; ulimit -u 4096',
  },
  {
    check: 'tmp',
    title: 'a small /tmp without inodes',
    fires: ['tmp_free_mib critical', 'tmp_inodes_percent warning'],
    before: `${small('/mnt', 'size=1m,nr_inodes=8')}; touch /mnt/{1,2,3,4,5,6,7}; export TMPDIR=/mnt`,
  },
  {
    check: 'tmp',
    title: 'a large /tmp',
    fires: [],
    before: `${small('/mnt', 'size=4g')}; export TMPDIR=/mnt HF_HOME=/mnt/hf`,
  },
  {
    check: 'quota',
    title: 'no quota, room',
    fires: [],
    alone: true,
    before: `${small('/mnt', 'size=4g')}; export CHECK_OUTPUT="/mnt/a b/run" CHECK_CHECKPOINT_GIB=2`,
  },
  {
    check: 'quota',
    title: 'a full file system without inodes',
    fires: [
      'space_short_gib critical',
      'space_used_percent critical',
      'space_used_percent warning',
      'inodes_used_percent critical',
    ],
    alone: true,
    before: `${small('/mnt', 'size=1m,nr_inodes=8')}; touch /mnt/{1,2,3,4,5,6}; dd if=/dev/zero of=/mnt/7 status=none 2>/dev/null; export CHECK_OUTPUT=/mnt CHECK_CHECKPOINT_GIB=1`,
  },
  ...(
    [
      [
        'quota',
        'star-6days.txt',
        ['quota_over_space critical', 'quota_space_percent critical', 'quota_space_percent warning'],
        1,
      ],
      [
        'quota',
        'long-device-files-star-none.txt',
        ['quota_over_files critical', 'quota_files_percent critical'],
        1,
      ],
      [
        'quota',
        'two-long-devices-full.txt',
        ['quota_space_percent critical', 'quota_space_percent warning'],
        0,
      ],
      ['quota', 'healthy.txt', [], 0],
      ['lfs', 'healthy-h.txt', [], 0],
      ['lfs', 'not-lustre.txt', [], 1],
      [
        'lfs',
        'near-full-kbytes.txt',
        ['space_short_gib critical', 'quota_space_percent critical', 'quota_space_percent warning'],
        0,
      ],
    ] as const
  ).map(
    ([tool, file, fires, code]): Case => ({
      check: 'quota',
      title: `${tool} ${file}`,
      fires,
      alone: true,
      tools: { [tool]: prints(`${tool}/${file}`, code) },
      before: `${small('/mnt', 'size=1000g')}; export CHECK_OUTPUT=/mnt CHECK_CHECKPOINT_GIB=${fires.length > 0 && tool === 'lfs' ? 50 : 1}`,
    }),
  ),
  {
    check: 'paths',
    title: 'all there',
    fires: [],
    env: { CHECK_READ_PATHS: '/etc/passwd\n/usr', CHECK_WRITE_PATHS: '/tmp/not/yet' },
  },
  {
    check: 'paths',
    title: 'a missing path and a read-only mount',
    fires: ['paths_unreadable critical', 'paths_unwritable critical'],
    before: small('/mnt', 'ro'),
    env: { CHECK_READ_PATHS: '/no such/path', CHECK_WRITE_PATHS: '/mnt/out' },
  },
  {
    check: 'paths',
    title: 'a full file system',
    fires: ['paths_unwritable critical'],
    before: `${small('/mnt')}; dd if=/dev/zero of=/mnt/x status=none 2>/dev/null`,
    env: { CHECK_WRITE_PATHS: '/mnt' },
  },
  {
    check: 'mounts',
    title: 'missing and read-only',
    fires: ['mounts_missing critical', 'mounts_readonly critical'],
    before: small('/mnt', 'ro'),
    env: { CHECK_MOUNTS: '/nosuch /mnt' },
  },
  { check: 'mounts', title: 'there', fires: [], before: small('/mnt'), env: { CHECK_MOUNTS: '/mnt' } },
  {
    check: 'mounts',
    title: 'one that hangs',
    fires: ['mounts_stuck critical'],
    before: small('/mnt'),
    tools: { stat: 'exec sleep 30' },
    env: { CHECK_MOUNTS: '/mnt' },
  },
  {
    check: 'output-place',
    title: "on the node's own disk",
    fires: ['output_shared critical'],
    env: { CHECK_OUTPUT: '/var/tmp/out' },
    tools: { stat: 'echo ext2/ext3' },
  },
  { check: 'output-place', title: 'none named', fires: [] },
  {
    check: 'output-place',
    title: 'on the disk of the machine that submits',
    fires: [],
    env: {
      CHECK_OUTPUT: '/var/tmp/out',
      CHECK_BOOT_ID: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    },
    tools: { stat: 'echo ext2/ext3' },
  },
  {
    check: 'output-place',
    title: 'in memory',
    fires: ['output_shared critical'],
    before: small('/mnt'),
    env: { CHECK_OUTPUT: '/mnt/out' },
  },
  {
    check: 'output-place',
    title: 'on NFS',
    fires: [],
    env: { CHECK_OUTPUT: '/var/tmp/out' },
    tools: { stat: 'echo nfs' },
  },
  {
    check: 'data',
    title: 'whole files',
    fires: [],
    before:
      'mkdir d; printf \'{"a": "x {"}\\n{"a": "\\\\"y"}\\n\' >d/a.jsonl; export CHECK_DATA_PATHS=$PWD/d CHECK_DATA_SUFFIX=.jsonl',
  },
  {
    check: 'data',
    title: 'everything wrong',
    fires: ['data_missing critical', 'data_broken critical', 'data_literal warning', 'data_huge warning'],
    before: `mkdir d; printf '{"a": "x"}\\n{"a": "y' >d/a.jsonl; printf '{"a": "<|endoftext|>"}\\n' >d/b.jsonl; truncate -s 3G d/c.txt; export CHECK_DATA_PATHS="$PWD/d"$'\\n'/nosuch`,
  },
  {
    check: 'data',
    title: 'ten thousand files',
    fires: ['data_files warning'],
    before: 'mkdir d; for i in {0..10000}; do echo x >d/$i; done; export CHECK_DATA_PATHS=$PWD/d',
  },
  { check: 'cxx', title: 'a compiler', fires: [] },
  {
    check: 'cxx',
    title: 'none, nor nvcc, nor ninja',
    fires: ['cxx critical', 'nvcc warning', 'ninja warning'],
    alone: true,
    env: { CHECK_CUDA_BUILD: 'yes', CUDA_HOME: '/nosuch' },
  },
  {
    check: 'cxx',
    title: 'one that cannot link',
    fires: ['cxx critical'],
    tools: {
      'c++':
        '[[ " $* " == *" -c "* ]] && PATH=/usr/bin:/bin exec /usr/bin/c++ "$@"; echo "ld: cannot find -lstdc++"; exit 1',
    },
  },
  {
    check: 'cxx',
    title: 'one without the headers of C++',
    fires: ['cxx critical'],
    tools: { 'c++': 'PATH=/usr/bin:/bin exec /usr/bin/c++ -nostdinc++ "$@"' },
  },
  {
    check: 'cxx',
    title: 'one whose linker finds no library of C++',
    fires: ['cxx critical'],
    tools: { 'c++': 'PATH=/usr/bin:/bin exec /usr/bin/c++ -nodefaultlibs "${@/-l*++/-lm}"' },
  },
  {
    check: 'cxx',
    title: 'one that has a part of the library of C++, and the rest of it is empty',
    fires: ['cxx critical'],
    before: 'mount --bind /dev/null "$(readlink -f "$(c++ -print-file-name=libstdc++.so)")"',
  },
  {
    check: 'cxx',
    title: 'one without the part of the library that stands in an archive',
    fires: [],
    before: 'mount --bind /dev/null "$(c++ -print-file-name=libsupc++.a)"',
  },
  {
    check: 'cxx',
    title: 'no room for what lies between the compiler and the linker',
    fires: ['cxx unknown'],
    before: 'mount -t tmpfs -o size=4k t /tmp; echo x >/tmp/x',
  },
  { check: 'python', title: 'imports', fires: [], env: { CHECK_MODULES: 'json os' } },
  {
    check: 'python',
    title: 'a module that is not there',
    fires: ['import_failed critical'],
    env: { CHECK_MODULES: 'json nosuch_module' },
  },
  { check: 'python', title: 'none', fires: ['python critical'], env: { CHECK_PYTHON: '/nosuch/python' } },
  { check: 'wandb', title: 'a key', fires: [], env: { WANDB_API_KEY: KEY } },
  { check: 'wandb', title: 'no key', fires: ['wandb_key critical'], env: { CHECK_WANDB: 'yes' } },
  { check: 'wandb', title: 'no key, and no run named', fires: ['wandb_key warning'] },
  { check: 'wandb', title: 'no key, but offline', fires: [], env: { WANDB_MODE: 'offline' } },
  {
    check: 'wandb',
    title: 'a key with a blank in it',
    fires: ['wandb_key critical'],
    env: { WANDB_API_KEY: `${KEY} x` },
  },
  {
    check: 'wandb',
    title: 'a key in netrc',
    fires: [],
    before: `printf 'machine github.com login a password b\\nmachine api.wandb.ai\\n  login user\\n  password ${KEY}\\n' >$HOME/.netrc`,
  },
  {
    check: 'wandb',
    title: 'a key in quotes in a netrc with a comment, and another machine first',
    fires: [],
    before: `printf '# machine api.wandb.ai password none\\nmachine a password b\\nmachine api.wandb.ai login user password "${KEY}"' >$HOME/.netrc`,
  },
  {
    check: 'wandb',
    title: 'a key in the settings of wandb',
    fires: [],
    before: `mkdir -p $HOME/.config/wandb; printf '[default]\\napi_key = ${KEY}\\n' >$HOME/.config/wandb/settings`,
  },
  { check: 'hf', title: 'nothing set', fires: [] },
  {
    check: 'hf',
    title: 'a token that is none, and offline with an empty cache',
    fires: ['hf_token warning', 'hf_cache warning'],
    env: { HF_TOKEN: 'secret', HF_HUB_OFFLINE: '1' },
  },
  {
    check: 'remove-ipc',
    title: 'yes',
    fires: ['remove_ipc warning'],
    before: `${small('/run')}; mkdir -p /run/systemd/system /run/systemd/logind.conf.d; echo RemoveIPC=yes >/run/systemd/logind.conf.d/z.conf`,
  },
  {
    check: 'remove-ipc',
    title: 'no',
    fires: [],
    before: `${small('/run')}; mkdir -p /run/systemd/system /run/systemd/logind.conf.d; echo RemoveIPC=no >/run/systemd/logind.conf.d/z.conf`,
  },
  {
    check: 'leaked-env',
    title: 'of another job, under sudo',
    fires: ['leaked_variables warning', 'sudo warning'],
    env: { SLURM_NNODES: '4', SUDO_USER: 'somebody' },
  },
  { check: 'leaked-env', title: 'clean', fires: [] },
  {
    check: 'services',
    title: 'one that does not run',
    fires: ['services_missing critical'],
    env: { CHECK_SERVICES: 'bash nosuchd' },
  },
  { check: 'services', title: 'one that runs', fires: [], env: { CHECK_SERVICES: 'bash' } },
  {
    check: 'processes',
    title: 'a process in state D and zombies',
    fires: ['d_state warning', 'zombies warning'],
    before: inPidNamespace(`c++ -w d.cc -o d; ./d &
(for i in {1..55}; do sleep 1 & done; exec sleep 9) & sleep 2.2; export CHECK_D_SECONDS=0`),
  },
  { check: 'processes', title: 'none', fires: [], before: inPidNamespace('true') },
  {
    check: 'host',
    title: 'little memory, much swap, just started',
    fires: ['memory_free_percent warning', 'swap_used_mib warning', 'uptime_seconds warning'],
    before: `while read -r k v u; do case $k in MemAvailable:) v=1000 ;; SwapTotal:) v=9000000 ;; SwapFree:) v=0 ;; esac; echo "$k $v $u"; done </proc/meminfo >m
echo "59.00 1.00" >u; mount --bind m /proc/meminfo; mount --bind u /proc/uptime`,
  },
  {
    check: 'host',
    title: 'well',
    fires: [],
    before:
      'while read -r k v u; do [[ $k == MemAvailable: ]] && v=$t; [[ $k == MemTotal: ]] && t=$v; echo "$k $v $u"; done </proc/meminfo >m; echo "99999.00 1.00" >u; mount --bind m /proc/meminfo; mount --bind u /proc/uptime',
  },
  { check: 'clock', title: 'a clock', fires: [] },
  {
    check: 'versions',
    title: 'versions',
    fires: [],
    tools: { nvcc: ANSWERING.nvcc ?? '', ofed_info: ANSWERING.ofed_info ?? '' },
  },
  {
    check: 'read-speed',
    title: 'a file of 8 MiB',
    fires: [],
    before: 'dd if=/dev/zero of=f bs=1M count=8 status=none; export CHECK_DATA_PATHS=$PWD/f',
  },
  {
    check: 'slurm-access',
    title: 'a partition that is not there',
    fires: ['partition critical'],
    tools: { scontrol: prints('scontrol/show-partition-missing.txt', 1), sacctmgr: ANSWERING.sacctmgr ?? '' },
    env: { CHECK_PARTITION: 'nosuch' },
  },
  { check: 'infiniband', title: 'no adapters', fires: [], alone: true },
  { check: 'gpu-links', title: 'no GPUs', fires: [], alone: true },
  {
    check: 'kernel',
    title: 'a quiet log',
    fires: [],
    tools: { dmesg: printsChanged('dmesg/sxid.txt', (text) => text.split('\n').slice(1).join('\n')) },
    env: { CHECK_WINDOW_HOURS: '1000000' },
  },
];
