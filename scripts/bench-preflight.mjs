// preflight of many nodes beside the srun that reaches them, and a compiled health check beside LBNL NHC asking the same.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NODES = 36;
/** What both can ask: room in /dev/shm and /tmp, its inodes, memory, mounts. */
const OURS = 'shm,tmp,host,mounts';
const THEIRS = [
  'check_fs_free /dev/shm 1%',
  'check_fs_free /tmp 1%',
  'check_fs_ifree /tmp 1%',
  'check_hw_physmem_free 1MB',
  'check_fs_mount_rw -f /',
];

/** The program of the check `cxx`. */
const ONE = '#include <new>\nint *one(int n) { return new int(n); }\n';

/** All checks that are asked where no run is named, on nodes that share this machine's cores. */
export function benchNodes({ opsctl, place, compare, time }) {
  const env = {
    ...process.env,
    OPSCTL_HOME: join(place, 'state'),
    XDG_CONFIG_HOME: join(place, 'config'),
  };
  const dir = join(place, 'preflight-sandbox');
  const argv = [opsctl, 'sandbox', 'up', '--dir', dir, '--nodes', String(NODES), '--share', place, '--json'];
  const up = JSON.parse(execFileSync(argv[0], argv.slice(1), { env, encoding: 'utf8' }));
  const inside = { ...env, ...up.env };
  const nodes = `gnode[01-${NODES}]`;
  const srun = () => time(['srun', `-N${NODES}`, 'hostname'], inside);
  // What is found wrong with this machine is no failure of the bench.
  const ask = (...more) => time([opsctl, 'preflight', '--nodes', nodes, ...more], inside, [0, 1, 2, 3]);
  try {
    compare(`opsctl preflight, ${NODES} nodes / srun hostname (aim: 3)`, undefined, () => ask(), srun, 3);
    // What the nodes do in the same time on the same cores, whoever asks them: one link of C++ each, and the names they look up.
    writeFileSync(join(place, 'one.cpp'), ONE);
    const link = ['srun', `-N${NODES}`, 'c++', '-shared', '-fPIC', join(place, 'one.cpp'), '-o', '/dev/null'];
    compare(`srun c++, ${NODES} nodes / srun hostname`, undefined, () => time(link, inside), srun, 3);
    const names = [`-N${NODES}`, 'bash', '-c', 'getent ahostsv4 "$SLURMD_NODENAME" api.wandb.ai || true'];
    const lookUp = () => time(['srun', ...names], inside);
    compare(`srun getent, ${NODES} nodes / srun hostname`, undefined, lookUp, srun, 3);
    const shm = () => ask('--only', 'shm');
    compare(`opsctl preflight --only shm, ${NODES} nodes / srun hostname`, 3, shm, srun, 3);
  } finally {
    spawnSync(opsctl, ['sandbox', 'down', '--dir', dir], { env });
  }
}

/** NHC is not part of this project: `NHC=DIR` names a checkout of github.com/mej/nhc, else an installed one is taken. */
export function benchNhc({ opsctl, place, compare, time }) {
  const home = process.env.NHC;
  const program = home === undefined ? '/usr/sbin/nhc' : join(home, 'nhc');
  if (!existsSync(program))
    return console.log('NHC is not installed and NHC=DIR not given: it is not measured');
  const env = { ...process.env, XDG_CONFIG_HOME: join(place, 'config') };
  const script = join(place, 'healthcheck.sh');
  const compile = ['checks', 'compile', '--for', 'healthcheck', '--only', OURS];
  writeFileSync(script, execFileSync(opsctl, compile, { env }));
  const conf = join(place, 'nhc.conf');
  writeFileSync(conf, THEIRS.map((check) => `* || ${check}\n`).join(''));
  const parts = home === undefined ? [] : [`INCDIR=${home}/scripts`, `HELPERDIR=${home}/helpers`];
  const nhc = ['bash', program, '-c', conf, '-l', '-', 'DETACHED_MODE=0', 'MARK_OFFLINE=0', ...parts];
  const name = 'opsctl checks compile --for healthcheck / NHC, the same checks';
  compare(
    name,
    1,
    () => time(['bash', script], env, [0, 1, 2, 3]),
    () => time(nhc, env),
  );
}
