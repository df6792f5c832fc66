import { describe, expect, it } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { askLimits } from '../../src/run/limits.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const PARTITIONS = [
  'PartitionName=gpu Default=YES Hidden=NO RootOnly=NO MaxTime=01:00:00 MaxNodes=UNLIMITED TotalNodes=4',
  'PartitionName=long Default=NO Hidden=NO RootOnly=NO MaxTime=UNLIMITED MaxNodes=2 TotalNodes=4',
].join('\n\n');
const asked = { nodes: 1, gpus_per_node: 0, time: '0:30:00', partition: null };

const PARTITION = {
  default: true,
  max_time: null,
  max_nodes: null,
  nodes: null,
  gpus_per_node: null,
  gpu_type: null,
  cpus_per_node: null,
  memory_mb: null,
  allow_accounts: null,
  allow_qos: null,
};

async function messages(values: Readonly<Record<string, string | number | null>>, answer = PARTITIONS) {
  const { exec } = fakeExec({ 'scontrol --all show partition': answer });
  const verdicts = await askLimits(fakeSystem(exec), EMPTY_PROFILE, { ...asked, ...values });
  return verdicts.map(({ status, message }) => `${status}: ${message}`);
}

describe('the limits of the partitions, where no profile has them', () => {
  it('are asked of Slurm, and a job above them is critical', async () => {
    expect(await messages({})).toEqual([]);
    expect(await messages({ time: '2:00:00' })).toEqual([
      'critical: time: 2:00:00 is asked for; the default partition ends jobs after 01:00:00',
    ]);
    expect(await messages({ nodes: 5 })).toEqual([
      'critical: nodes: 5 are asked for; the default partition gives a job at most 4',
    ]);
    expect(await messages({ partition: 'long', nodes: 3, time: '9-00:00:00' })).toEqual([
      'critical: nodes: 3 are asked for; the partition long gives a job at most 2',
    ]);
    expect((await messages({ partition: 'gpus' }))[0]).toContain('Did you mean "gpu"?');
  });

  it('are not asked for where a profile has them', async () => {
    const profile = {
      ...EMPTY_PROFILE,
      partitions: { gpu: PARTITION },
    };
    expect(await askLimits(fakeSystem(fakeExec({}).exec), profile, asked)).toEqual([]);
  });

  it('are left to sbatch where Slurm does not tell them', async () => {
    const { exec } = fakeExec({ 'scontrol --all show partition': { code: 1, stderr: 'Access denied' } });
    expect(await askLimits(fakeSystem(exec), EMPTY_PROFILE, asked)).toEqual([]);
  });
});
