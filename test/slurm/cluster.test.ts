import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OpsError } from '../../src/errors.ts';
import { parseGres } from '../../src/slurm/gres.ts';
import { parseAssociations, showAssociations } from '../../src/slurm/sacctmgr.ts';
import { parseConfig, showConfig } from '../../src/slurm/scontrol-config.ts';
import { parsePartitions, showPartitions } from '../../src/slurm/scontrol-partition.ts';
import { parseNodeGroups } from '../../src/slurm/sinfo.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

/** Recorded from Slurm 22.05.8. */
const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'slurm', '22.05', `${name}.txt`), 'utf8');

describe('GRES', () => {
  it.each([
    ['gpu:a100:8(S:0-1)', { count: 8, type: 'a100' }],
    ['gpu:a100:8(S:0,1),nic:2', { count: 8, type: 'a100' }],
    ['gpu:4', { count: 4, type: null }],
    ['gpu', { count: 1, type: null }],
    ['gpu:tesla', { count: 1, type: 'tesla' }],
    ['gpu:a100:4,gpu:v100:2', { count: 6, type: null }],
    ['gpu:a100:2,gpu:a100:2', { count: 4, type: 'a100' }],
    ['shard:8,gpu:1g.10gb:7', { count: 7, type: '1g.10gb' }],
    ['gpu:a100:no_consume:2', { count: 2, type: 'a100' }],
    ['gpumem:80G', { count: 0, type: null }],
    ['(null)', { count: 0, type: null }],
    ['', { count: 0, type: null }],
  ])('reads %s', (text, count) => {
    expect(parseGres(text, 'gpu')).toEqual(count);
  });
});

describe('scontrol show config', () => {
  it('tells name, version and whether there is accounting', () => {
    expect(parseConfig(recorded('scontrol-config'))).toEqual({
      name: 'mycluster',
      version: '22.05.8',
      accounting: true,
      scron: false,
    });
  });

  it.each([
    ['', { name: null, version: null, accounting: false, scron: false }],
    [
      'ClusterName = (null)\nAccountingStorageType = (null)',
      { name: null, version: null, accounting: false, scron: false },
    ],
    [
      'AccountingStorageType   = accounting_storage/none\nSLURM_VERSION = 20.11.9',
      { name: null, version: '20.11.9', accounting: false, scron: false },
    ],
    ['ScronParameters         = enable', { name: null, version: null, accounting: false, scron: true }],
  ])('takes what is missing for unknown: %j', (text, config) => {
    expect(parseConfig(text)).toEqual(config);
  });

  it('says to try again when the controller is down', async () => {
    const { exec } = fakeExec({
      'scontrol show config': {
        code: 1,
        stderr: 'slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)\n',
      },
    });
    await expect(showConfig(fakeSystem(exec))).rejects.toMatchObject({ exitCode: 75 });
  });
});

describe('scontrol show partition', () => {
  it('tells limits, and null where there is none', () => {
    const partitions = parsePartitions(recorded('scontrol-partition'));
    expect(partitions.map(({ name }) => name)).toEqual(['gpu', 'volta', 'cpu', 'secret', 'admin', 'empty']);
    expect(partitions[0]).toEqual({
      name: 'gpu',
      isDefault: true,
      isHidden: false,
      rootOnly: false,
      maxTime: '7-00:00:00',
      maxNodes: 6,
      nodes: 8,
      allowAccounts: null,
      allowQos: ['normal', 'high'],
      allowGroups: null,
    });
    expect(partitions[1]).toMatchObject({
      maxTime: null,
      maxNodes: null,
      allowAccounts: ['research', 'teach'],
    });
    expect(partitions[3]).toMatchObject({ isHidden: true, maxTime: '00:30:00' });
    expect(partitions[4]).toMatchObject({ rootOnly: true });
    expect(partitions[5]).toMatchObject({ nodes: 0, allowGroups: ['staff'] });
  });

  it('does without the fields that an older version lacks', () => {
    expect(parsePartitions('PartitionName=old\n   MaxTime=INFINITE MaxNodes=(null)\n')).toEqual([
      expect.objectContaining({ name: 'old', maxTime: null, maxNodes: null, nodes: null, allowQos: null }),
    ]);
  });

  it('takes a cluster without partitions for an answer', async () => {
    const { exec } = fakeExec({
      'scontrol --all show partition': { code: 1, stdout: 'No partitions in the system\n' },
    });
    expect(await showPartitions(fakeSystem(exec))).toEqual([]);
  });
});

describe('sinfo', () => {
  it('keeps nodes apart that are not alike', () => {
    const groups = parseNodeGroups(recorded('sinfo')).filter(({ partition }) => partition === 'gpu');
    expect(groups).toEqual([
      { partition: 'gpu', nodes: 6, cpus: 64, memoryMb: 1_000_000, gpus: 8, gpuType: 'a100' },
      { partition: 'gpu', nodes: 2, cpus: 64, memoryMb: 500_000, gpus: 4, gpuType: 'a100' },
    ]);
  });

  it('leaves out half a line and a partition without nodes', () => {
    expect(parseNodeGroups('empty|0|0|0|(null)\ngpu|1.5K|64+|500000+|gpu:a100:8(S:0-1)\ngpu|2|6')).toEqual([
      { partition: 'gpu', nodes: 1500, cpus: 64, memoryMb: 500_000, gpus: 8, gpuType: 'a100' },
    ]);
  });
});

describe('sacctmgr', () => {
  it("puts the user's default account and QOS first", () => {
    expect(parseAssociations(recorded('sacctmgr-user'), 'mycluster')).toEqual({
      accounts: ['research', 'teach'],
      qos: ['normal', 'high'],
    });
  });

  it('leaves out what the user has on another cluster', () => {
    const text = 'a|here|a|normal|\na|there|b|big|big\n\n';
    expect(parseAssociations(text, 'HERE')).toEqual({ accounts: ['a'], qos: ['normal'] });
    expect(parseAssociations('', 'here')).toEqual({ accounts: [], qos: [] });
  });

  it('says why it could not answer', async () => {
    const { exec } = fakeExec({
      sacctmgr: {
        code: 1,
        stderr: 'sacctmgr: error: You are not running a supported accounting_storage plugin\n',
      },
    });
    const asked = showAssociations(fakeSystem(exec), 'me', null);
    await expect(asked).rejects.toThrow(OpsError);
    await expect(asked).rejects.toThrow('You are not running a supported accounting_storage plugin');
  });
});
