import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';

/** Debian keeps daemons out of an ordinary user's PATH. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/sbin', '/usr/bin', '/bin'];

const SLURM_PACKAGES = ['slurm-wlm', 'munge'];
const ACCOUNTING_PACKAGES = ['slurmdbd', 'mariadb-server', 'slurm-wlm-mysql-plugin'];

/** Where this machine keeps what a sandbox runs. */
export interface Install {
  readonly slurmctld: string;
  readonly slurmd: string;
  readonly munged: string;
  /** As slurmctld says it: 22.05.8. */
  readonly version: string;
  readonly database: DatabaseInstall | undefined;
}

export interface DatabaseInstall {
  readonly slurmdbd: string;
  readonly mariadbd: string;
  readonly installDb: string;
}

/** @throws OpsError with exit code 69 that names what is missing and the command that installs it. */
export async function findInstall(system: System, accounting: boolean): Promise<Install> {
  const missing: string[] = [];
  const need = async (...names: string[]): Promise<string> => {
    const path = await findProgram(system, names);
    if (path === undefined) missing.push(names[0] ?? '');
    return path ?? '';
  };
  const [slurmctld, slurmd, munged] = [
    await need('slurmctld', 'slurmctld-wlm'),
    await need('slurmd', 'slurmd-wlm'),
    await need('munged'),
  ];
  for (const client of ['sinfo', 'sbatch']) await need(client);
  if (missing.length > 0) throw notInstalled(system, missing, SLURM_PACKAGES);
  const database = accounting
    ? {
        slurmdbd: await need('slurmdbd'),
        mariadbd: await need('mariadbd', 'mysqld'),
        installDb: await need('mariadb-install-db', 'mysql_install_db'),
      }
    : undefined;
  if (missing.length > 0) throw notInstalled(system, missing, ACCOUNTING_PACKAGES);
  return { slurmctld, slurmd, munged, version: await slurmVersion(system, slurmctld), database };
}

function notInstalled(system: System, missing: readonly string[], packages: readonly string[]): OpsError {
  const sudo = system.env.USER === 'root' || process.getuid?.() === 0 ? '' : 'sudo ';
  return new OpsError(`not installed here: ${missing.join(', ')}`, {
    exitCode: EXIT.noSlurm,
    hint: `Debian and Ubuntu: ${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`,
  });
}

async function findProgram(system: System, names: readonly string[]): Promise<string | undefined> {
  const path = (system.env.PATH ?? '').split(delimiter).filter((directory) => directory.startsWith('/'));
  for (const name of names) {
    for (const directory of [...path, ...SYSTEM_DIRECTORIES]) {
      const candidate = join(directory, name);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function slurmVersion(system: System, slurmctld: string): Promise<string> {
  const { stdout } = await system.exec([slurmctld, '-V'], { env: system.env });
  const version = /(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new OpsError(`${slurmctld} -V does not say its version: ${JSON.stringify(stdout.trim())}`, {
    exitCode: EXIT.noSlurm,
    hint: `See whether the package is whole: apt-get install --reinstall ${SLURM_PACKAGES.join(' ')}`,
  });
}
