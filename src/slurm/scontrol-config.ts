import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { complaintOf, slurm } from './command.ts';

/** What the controller says of the cluster as a whole. */
export interface ClusterConfig {
  readonly name: string | null;
  /** Such as `22.05.8`. */
  readonly version: string | null;
  /** Whether slurmdbd keeps accounts: without it sacct and sacctmgr know nothing. */
  readonly accounting: boolean;
  /** Whether users have a crontab in Slurm itself (`scrontab`). */
  readonly scron: boolean;
}

/** Field names of `scontrol show config`, the same from 17.11 to 25.05. */
const FIELDS = {
  name: 'ClusterName',
  version: 'SLURM_VERSION',
  accounting: 'AccountingStorageType',
  scron: 'ScronParameters',
} as const;

/** @throws OpsError 69 or 75 from slurm(); 75 when scontrol failed in any other way. */
export async function showConfig(system: System): Promise<ClusterConfig> {
  const answer = await slurm(system, ['scontrol', 'show', 'config']);
  if (!answer.ok) {
    throw new OpsError(`scontrol show config failed: ${complaintOf(answer)}`, {
      exitCode: EXIT.tryAgain,
    });
  }
  return parseConfig(answer.stdout);
}

/** Reads `Name   = value` lines; `(null)` and a missing line are null. */
export function parseConfig(stdout: string): ClusterConfig {
  const values = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [, name, value] = /^(\w+)\s*= (.*)$/.exec(line.trim()) ?? [];
    // Sections of plugins follow the first one and may repeat a name.
    if (name !== undefined && value !== undefined && !values.has(name)) values.set(name, value.trim());
  }
  const get = (field: keyof typeof FIELDS): string | null => {
    const value = values.get(FIELDS[field]);
    return value === undefined || value === '' || value === '(null)' ? null : value;
  };
  return {
    name: get('name'),
    version: get('version'),
    accounting: /slurmdbd$/.test(get('accounting') ?? ''),
    scron: /\benable\b/i.test(get('scron') ?? ''),
  };
}
