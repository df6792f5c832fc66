import { describe, expect, it } from 'vitest';
import { cgroupConf, gresConf, releaseAtLeast, slurmConf, slurmdbdConf } from '../../src/sandbox/conf.ts';
import { sandboxOf } from './sandbox-of.ts';

describe('slurm.conf', () => {
  it('gives each node a port of its own', () => {
    expect(slurmConf(sandboxOf({ nodes: 36 }))).toContain(
      'NodeName=gnode[01-36] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[18003-18038] CPUs=64 RealMemory=512000 Gres=gpu:a100:8',
    );
  });

  it('names one node without brackets', () => {
    expect(slurmConf(sandboxOf({ nodes: 1 }))).toContain(
      'NodeName=gnode01 NodeHostname=localhost NodeAddr=127.0.0.1 Port=18003 ',
    );
  });

  it('knows no GPUs where there are none', () => {
    const sandbox = sandboxOf({ gpusPerNode: 0 });
    expect(slurmConf(sandbox)).not.toMatch(/gres|gpu:/i);
    expect(gresConf(sandbox)).toBe('');
  });

  it('speaks of accounting only when it was asked for', () => {
    expect(slurmConf(sandboxOf())).not.toContain('AccountingStorage');
    expect(slurmConf(sandboxOf({ accounting: true }))).toContain(
      'AccountingStoragePass=/tmp/box/run/munge.sock',
    );
  });

  it('keeps every path below the sandbox', () => {
    const text = slurmConf(sandboxOf({ accounting: true })) + slurmdbdConf(sandboxOf({ accounting: true }));
    const paths = [...text.matchAll(/=(\/\S*)/g)].map((match) => match[1]);
    expect(paths.filter((path) => !path?.startsWith('/tmp/box/'))).toEqual(['/bin/true']);
  });

  it('has no line longer than the 1024 characters that Slurm reads', () => {
    const lines = slurmConf(sandboxOf({ nodes: 64, accounting: true })).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1024);
  });
});

describe('cgroup.conf', () => {
  it.each([
    ['22.05.8', 'cgroup/v1'],
    ['23.11.4', 'cgroup/v1'],
    ['24.05.2', 'disabled'],
    ['25.05.0', 'disabled'],
  ])('for Slurm %s says %s', (slurmVersion, plugin) => {
    expect(cgroupConf({ ...sandboxOf(), slurmVersion })).toBe(`CgroupPlugin=${plugin}\n`);
  });
});

describe('releaseAtLeast', () => {
  it('compares years before months', () => {
    expect(releaseAtLeast('25.05.1', 24, 11)).toBe(true);
    expect(releaseAtLeast('23.11.9', 24, 5)).toBe(false);
    expect(releaseAtLeast('unknown', 24, 5)).toBe(false);
  });
});
