import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Survey } from '../../src/config/probe.ts';
import { parseAssociations } from '../../src/slurm/sacctmgr.ts';
import { parseConfig } from '../../src/slurm/scontrol-config.ts';
import { parsePartitions } from '../../src/slurm/scontrol-partition.ts';
import { parseNodeGroups } from '../../src/slurm/sinfo.ts';

/** Recorded from Slurm 22.05.8. */
export function recorded(name: string): string {
  return readFileSync(join(import.meta.dirname, '..', 'fixtures', 'slurm', '22.05', `${name}.txt`), 'utf8');
}

/** What a cluster with GPU, CPU, hidden and root-only partitions answered. */
export function survey(over: Partial<Survey> = {}): Survey {
  return {
    cluster: parseConfig(recorded('scontrol-config')),
    partitions: parsePartitions(recorded('scontrol-partition')),
    nodeGroups: parseNodeGroups(recorded('sinfo')),
    gpuTrials: [{ option: '--gres=gpu:a100:1', accepted: true, answer: '' }],
    associations: parseAssociations(recorded('sacctmgr-user'), 'mycluster'),
    pyxis: false,
    loginNode: { dataRoots: [], interfaces: ['eth0', 'ib0'], ibDevices: ['mlx5_0'], containerProgram: null },
    ...over,
  };
}
