import { OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { complaintOf, slurm } from './command.ts';

/** What a user may charge jobs to, defaults first. */
export interface UserAssociations {
  readonly accounts: readonly string[];
  readonly qos: readonly string[];
}

/** sacctmgr(1) `format=`, in the order that is read. */
const FIELDS = ['DefaultAccount', 'Cluster', 'Account', 'QOS', 'DefaultQOS'] as const;

/**
 * The accounts and QOS of a user on one cluster.
 * @throws OpsError 69 or 75 from slurm(); 1 when sacctmgr refused.
 */
export async function showAssociations(
  system: System,
  user: string,
  cluster: string | null,
): Promise<UserAssociations> {
  const format = `format=${FIELDS.join(',')}`;
  const argv = ['sacctmgr', '--noheader', '--parsable2', 'show', 'user', `name=${user}`, 'withassoc', format];
  const answer = await slurm(system, argv);
  if (!answer.ok) throw new OpsError(`sacctmgr failed: ${complaintOf(answer)}`);
  return parseAssociations(answer.stdout, cluster);
}

/** Reads what sacctmgr printed under FIELDS. Another cluster's lines are left out; null takes every cluster's. */
export function parseAssociations(stdout: string, cluster: string | null): UserAssociations {
  const rows = stdout
    .split('\n')
    .map((line) => line.trim().split('|'))
    .filter((values) => values.length >= FIELDS.length)
    .map(([defaultAccount = '', rowCluster = '', account = '', qos = '', defaultQos = '']) => ({
      defaultAccount,
      rowCluster,
      account,
      qos,
      defaultQos,
    }))
    .filter(
      (row) =>
        cluster === null || row.rowCluster === '' || row.rowCluster.toLowerCase() === cluster.toLowerCase(),
    );
  const accounts = unique(rows.map((row) => row.account));
  const mainAccount = rows.find((row) => accounts.includes(row.defaultAccount))?.defaultAccount;
  const mainQos = (rows.find((row) => row.account === mainAccount && row.defaultQos) ?? rows[0])?.defaultQos;
  return {
    accounts: unique([mainAccount ?? '', ...accounts]),
    qos: unique([mainQos ?? '', ...rows.flatMap((row) => row.qos.split(','))]),
  };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names.filter((name) => name !== ''))];
}
