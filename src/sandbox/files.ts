import { randomBytes } from 'node:crypto';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, together } from '../system/files.ts';
import { enterDatabaseScript } from './accounting.ts';
import { cgroupConf, gresConf, slurmConf, slurmdbdConf } from './conf.ts';
import type { Install } from './install.ts';
import { enterNodeScript } from './namespace.ts';
import { layout, type Sandbox } from './sandbox.ts';
import { nodeNames } from './shape.ts';

const MUNGE_KEY_BYTES = 128;

/** Writes all that the daemons read. The directory is claimed and holds nothing but its marker and `shared`. */
export async function writeSandboxFiles(sandbox: Sandbox, install: Install): Promise<void> {
  const files = layout(sandbox.dir);
  try {
    await makeDirectories(sandbox);
    const write = (path: string, text: string | Buffer, mode = 0o600) => writeFile(path, text, { mode });
    await together([
      write(files.slurmConf, slurmConf(sandbox)),
      write(files.gresConf, gresConf(sandbox)),
      write(files.cgroupConf, cgroupConf(sandbox)),
      write(files.mungeKey, randomBytes(MUNGE_KEY_BYTES)),
      write(files.enterNode, enterNodeScript(sandbox), 0o700),
      ...(install.database
        ? [
            write(files.slurmdbdConf, slurmdbdConf(sandbox)),
            write(files.enterDatabase, enterDatabaseScript(sandbox, install.database), 0o700),
          ]
        : []),
      ...programLinks(install).map(([name, target]) => symlink(target, join(files.bin, name))),
      ...Array.from({ length: sandbox.shape.gpusPerNode }, (_, index) =>
        symlink('/dev/null', join(files.devices, `nvidia${index}`)),
      ),
    ]);
  } catch (error) {
    throw fileError('cannot write below', sandbox.dir, error);
  }
}

async function makeDirectories(sandbox: Sandbox): Promise<void> {
  const files = layout(sandbox.dir);
  await chmod(sandbox.dir, 0o700);
  const directories = [files.bin, files.log, files.devices, files.run, files.spool, files.state, files.stage];
  await together([
    ...[...directories, files.shared, join(sandbox.dir, 'etc')].map((path) =>
      mkdir(path, { recursive: true, mode: 0o700 }),
    ),
    ...(sandbox.shape.accounting ? [mkdir(files.database, { mode: 0o700 })] : []),
  ]);
  await together(
    nodeNames(sandbox.shape.nodes).map((node) => mkdir(join(files.spool, node), { mode: 0o700 })),
  );
}

/**
 * Slurm's daemons compare the name they were started by with exactly `slurmctld` and `slurmd`, and Debian's
 * programs are called slurmctld-wlm: under that name slurmd loses its GPUs. The links also show in `ps`
 * which sandbox a daemon is of.
 */
function programLinks(install: Install): [string, string][] {
  const { slurmctld, slurmd, munged, database } = install;
  const links: [string, string][] = [
    ['slurmctld', slurmctld],
    ['slurmd', slurmd],
    ['munged', munged],
  ];
  if (database) links.push(['slurmdbd', database.slurmdbd], ['mariadbd', database.mariadbd]);
  return links;
}
