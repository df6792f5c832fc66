import { describe, expect, it } from 'vitest';
import { daemonsAmong, type ProcessFacts, processesOf } from '../../src/sandbox/evidence.ts';

const DIR = '/tmp/box';
const CONF = `${DIR}/etc/slurm.conf`;
const NODE_MOUNTS = `310 290 0:51 / /dev/shm rw,relatime - tmpfs opsctl-sandbox:${DIR} rw,size=65536k\n`;

function facts(
  given: Partial<Omit<ProcessFacts, 'environment'>> & { env?: Record<string, string> },
): ProcessFacts {
  const { env = {}, ...rest } = given;
  return {
    pid: 100,
    parent: 1,
    startTime: '1',
    zombie: false,
    argv: ['sleep', '100'],
    environment: new Map(Object.entries(env)),
    foreignMounts: '',
    ...rest,
  };
}

describe('processesOf', () => {
  it.each([
    ['a daemon by the mark in its environment', facts({ env: { OPSCTL_SANDBOX_DAEMON: DIR } })],
    [
      'a daemon that was marked by no one, by the files it names',
      facts({ argv: [`${DIR}/bin/slurmctld`, '-D'] }),
    ],
    ['mariadbd by the value of an option', facts({ argv: ['/usr/sbin/mariadbd', `--datadir=${DIR}/db`] })],
    ['a job', facts({ env: { SLURM_CONF: CONF, SLURMD_NODENAME: 'gnode01' } })],
    ['a process on a node that cleared its environment', facts({ foreignMounts: NODE_MOUNTS })],
    ['an srun that waits for the cluster', facts({ argv: ['srun', 'true'], env: { SLURM_CONF: CONF } })],
  ])('finds %s', (_, one) => {
    expect(processesOf(DIR, [one])).toEqual([one]);
  });

  it.each([
    [
      'a shell that evaluated "sandbox env"',
      facts({ argv: ['bash'], env: { SLURM_CONF: CONF, OPSCTL_SANDBOX: DIR } }),
    ],
    ['an editor with the configuration open', facts({ argv: ['vim', CONF] })],
    ["another sandbox's daemon", facts({ env: { OPSCTL_SANDBOX_DAEMON: '/tmp/box2' } })],
    ["another sandbox's node", facts({ foreignMounts: NODE_MOUNTS.replaceAll(DIR, '/tmp/box2') })],
    ["the machine's own slurmctld", facts({ argv: ['/usr/sbin/slurmctld', '-D'] })],
    [
      "a real cluster's job",
      facts({ env: { SLURM_CONF: '/etc/slurm/slurm.conf', SLURMD_NODENAME: 'gnode01' } }),
    ],
    ['a zombie', facts({ zombie: true, env: { OPSCTL_SANDBOX_DAEMON: DIR } })],
  ])('leaves %s alone', (_, one) => {
    expect(processesOf(DIR, [one])).toEqual([]);
  });

  it('finds what a job started, however deep, in any order of process numbers', () => {
    const job = facts({ pid: 30, env: { SLURM_CONF: CONF, SLURMD_NODENAME: 'gnode01' } });
    const child = facts({ pid: 20, parent: 30 });
    const grandchild = facts({ pid: 10, parent: 20 });
    const stranger = facts({ pid: 40, parent: 1 });
    const found = processesOf(DIR, [grandchild, child, job, stranger]);
    expect(found.map((one) => one.pid).sort()).toEqual([10, 20, 30]);
  });
});

describe('daemonsAmong', () => {
  it('tells the nodes of several slurmds', () => {
    const slurmd = (pid: number, node: string) =>
      facts({ pid, argv: [`${DIR}/bin/slurmd`, '-D', '-N', node, '-f', CONF] });
    expect(daemonsAmong(DIR, [slurmd(1, 'gnode01'), slurmd(2, 'gnode02'), facts({ pid: 3 })])).toEqual([
      { pid: 1, program: 'slurmd', node: 'gnode01' },
      { pid: 2, program: 'slurmd', node: 'gnode02' },
    ]);
  });
});
