import { describe, expect, it } from 'vitest';
import { profileSchema } from '../../src/config/schema.ts';
import { fromCluster, gpuOption, impossible } from '../../src/run/cluster.ts';
import { PARTITION, PROFILE } from '../support/plan.ts';

const values = { nodes: 4, gpus_per_node: 8, time: '1-00:00:00', partition: null };

describe('impossible', () => {
  it('has nothing against what the partition grants', () => {
    expect(impossible(PROFILE, values)).toEqual([]);
  });

  it.each([
    [{ nodes: 37 }, 'at most 36'],
    [{ gpus_per_node: 16 }, 'has 8 a node'],
    [{ time: '8-00:00:00' }, 'ends jobs after 7-00:00:00'],
    [{ time: 'UNLIMITED' }, 'ends jobs after 7-00:00:00'],
    [{ partition: 'gpuu' }, 'Did you mean "gpu"'],
  ])('says what the cluster can never grant: %j', (asked, words) => {
    expect(impossible(PROFILE, { ...values, ...asked }).join()).toContain(words);
  });

  it('says nothing about a cluster that no profile knows', () => {
    expect(impossible(profileSchema.parse({}), { ...values, partition: 'any', nodes: 4000 })).toEqual([]);
  });

  it('takes a limit that is not known for none', () => {
    const profile = {
      ...PROFILE,
      partitions: { gpu: { ...PARTITION, max_nodes: null, nodes: null, max_time: null } },
    };
    expect(impossible(profile, { ...values, nodes: 500, time: 'UNLIMITED' })).toEqual([]);
  });
});

describe('fromCluster', () => {
  it('takes whole nodes when all of their GPUs are asked for', () => {
    expect(fromCluster(PROFILE, values)).toEqual({ exclusive: true, cpus_per_node: 64, memory: '0' });
  });

  it('shares nodes when only some are', () => {
    expect(fromCluster(PROFILE, { ...values, gpus_per_node: 2 })).toEqual({
      exclusive: false,
      cpus_per_node: 16,
      memory: null,
    });
  });

  it('leaves alone what was given', () => {
    const given = { ...values, exclusive: false, cpus_per_node: 12, memory: '96G' };
    expect(fromCluster(PROFILE, given)).toEqual({ exclusive: false, cpus_per_node: 12, memory: '96G' });
  });
});

describe('gpuOption', () => {
  it.each([
    ['gres', '--gres=gpu:a100:8'],
    ['gpus-per-node', '--gpus-per-node=a100:8'],
    ['none', null],
  ] as const)('asks by %s', (gpu_request, option) => {
    expect(gpuOption({ ...PROFILE, gpu_request }, values)).toBe(option);
  });

  it('asks for nothing on the CPU', () => {
    expect(gpuOption(PROFILE, { ...values, gpus_per_node: 0 })).toBeNull();
  });
});
