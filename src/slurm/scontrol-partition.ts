import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { complaintOf, slurm } from './command.ts';
import { parseDuration } from './duration.ts';

/** The limits of one partition. A null limit is none. */
export interface PartitionLimits {
  readonly name: string;
  readonly isDefault: boolean;
  readonly isHidden: boolean;
  /** Only root may submit to it. */
  readonly rootOnly: boolean;
  /** Slurm's own text, such as `7-00:00:00`. */
  readonly maxTime: string | null;
  readonly maxNodes: number | null;
  readonly nodes: number | null;
  readonly allowAccounts: readonly string[] | null;
  readonly allowQos: readonly string[] | null;
  /** Unix groups. */
  readonly allowGroups: readonly string[] | null;
}

/** Field names of `scontrol show partition`. */
const FIELDS = {
  name: 'PartitionName',
  isDefault: 'Default',
  isHidden: 'Hidden',
  rootOnly: 'RootOnly',
  maxTime: 'MaxTime',
  maxNodes: 'MaxNodes',
  nodes: 'TotalNodes',
  allowAccounts: 'AllowAccounts',
  allowQos: 'AllowQos',
  allowGroups: 'AllowGroups',
} as const;

/**
 * Every partition, hidden ones too, in the order of slurm.conf.
 * @throws OpsError 69 or 75 from slurm(); 75 when scontrol failed in any other way.
 */
export async function showPartitions(system: System): Promise<PartitionLimits[]> {
  const answer = await slurm(system, ['scontrol', '--all', 'show', 'partition']);
  // A cluster without a partition is an answer, and an exit code of 1.
  if (!answer.ok && !/No partitions in the system/i.test(answer.stdout + answer.stderr)) {
    throw new OpsError(`scontrol show partition failed: ${complaintOf(answer)}`, {
      exitCode: EXIT.tryAgain,
    });
  }
  return parsePartitions(answer.stdout);
}

/** Reads the records of `scontrol show partition`; a field that this version does not print is no limit. */
export function parsePartitions(stdout: string): PartitionLimits[] {
  return stdout
    .split(/^(?=PartitionName=)/m)
    .map(
      (record) => new Map([...record.matchAll(/(\w+)=(\S*)/g)].map(([, key, value]) => [key, value ?? ''])),
    )
    .filter((values) => values.get(FIELDS.name))
    .map((values) => {
      const get = (field: keyof typeof FIELDS): string => values.get(FIELDS[field]) ?? '';
      return {
        name: get('name'),
        isDefault: get('isDefault') === 'YES',
        isHidden: get('isHidden') === 'YES',
        rootOnly: get('rootOnly') === 'YES',
        maxTime: finite(parseDuration(get('maxTime'))) ? get('maxTime') : null,
        maxNodes: numberOrNull(get('maxNodes')),
        nodes: numberOrNull(get('nodes')),
        allowAccounts: listOrNull(get('allowAccounts')),
        allowQos: listOrNull(get('allowQos')),
        allowGroups: listOrNull(get('allowGroups')),
      };
    });
}

function finite(duration: number | undefined): boolean {
  return duration !== undefined && Number.isFinite(duration);
}

function numberOrNull(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}

function listOrNull(text: string): string[] | null {
  if (text === '' || text === 'ALL' || text === '(null)' || text === 'N/A') return null;
  return text.split(',').filter((name) => name !== '');
}
