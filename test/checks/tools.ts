import { prints, printsChanged, type Tools } from './support.ts';

/** Every tool as it answers on a machine that has it: recorded output by the arguments the probes use. */
export const ANSWERING: Tools = {
  'nvidia-smi': `case $1 in
    -q) ${prints('nvidia-smi/q-a10-535.129.03.txt')} ;;
    topo) ${prints('nvidia-smi/topo-m-h100.txt')} ;;
    nvlink) ${prints('nvidia-smi/nvlink-s-a100.txt')} ;;
  esac`,
  dmesg: prints('dmesg/xid-app.txt'),
  journalctl: prints('dmesg/xid-app.txt'),
  ibstat: `case \${1-} in
    -l) printf '%s\\n' mlx5_0 mlx5_1 mlx5_2 ;;
    *) ${prints('ibstat/h100-some-disabled.txt')} ;;
  esac`,
  quota: prints('quota/healthy.txt'),
  lfs: prints('lfs/healthy-h.txt'),
  scontrol: `case $1 in
    ping) ${prints('scontrol/ping-up.txt')} ;;
    show) ${prints('scontrol/show-partition.txt')} ;;
  esac`,
  sinfo: prints('sinfo/two-of-four-down.txt'),
  sacctmgr: prints('sacctmgr/assoc.txt'),
  nvcc: prints('nvcc/version-13.0.txt'),
  ofed_info: prints('ofed_info/s.txt'),
  ip: prints('ip/route-get.txt'),
  getent: printsChanged('getent/ahostsv4.txt', (text) => text.replaceAll('127.0.0.1', '192.0.2.7')),
  'c++': 'PATH=/usr/bin:/bin exec /usr/bin/c++ "$@"',
  python3: 'exec /usr/bin/python3 "$@"',
};

/** What a caller would set, so that every part of every probe has something to ask. */
export const INPUTS: Readonly<Record<string, string>> = {
  CHECK_PEERS: 'gnode02 gnode03',
  CHECK_PARTITION: 'gpu',
  CHECK_ACCOUNT: 'research',
  CHECK_OUTPUT: '/tmp',
  CHECK_GPUS: '1',
  CHECK_WINDOW_HOURS: '1000000',
};
