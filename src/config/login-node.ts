import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { currentUser, home, type System } from '../system/system.ts';
import { type Candidate, candidatePaths } from './data-root.ts';

/** What this machine itself tells about the cluster. Compute nodes may differ. */
export interface LoginNode {
  readonly dataRoots: readonly Candidate[];
  readonly interfaces: readonly string[];
  readonly ibDevices: readonly string[];
  readonly containerProgram: 'apptainer' | 'singularity' | null;
}

/** A hung NFS server must not hang opsctl: df is a program that can be left behind. */
const DF_LIMIT_MS = 3_000;
/** Loopback and what containers, bridges and tunnels make: no job talks over these. */
const VIRTUAL = /^(lo|docker|veth|virbr|br-|cni|flannel|cali|tun|tap|dummy|ifb|sit|tailscale|wg)/;

export async function askLoginNode(system: System): Promise<LoginNode> {
  const [dataRoots, interfaces, ibDevices, apptainer, singularity] = await Promise.all([
    findDataRoots(system),
    names('/sys/class/net'),
    names('/sys/class/infiniband'),
    onPath(system.env, 'apptainer'),
    onPath(system.env, 'singularity'),
  ]);
  return {
    dataRoots,
    interfaces: interfaces.filter((name) => !VIRTUAL.test(name)),
    ibDevices,
    containerProgram: apptainer ? 'apptainer' : singularity ? 'singularity' : null,
  };
}

async function findDataRoots(system: System): Promise<Candidate[]> {
  const candidates = candidatePaths(system.env, currentUser(), home(system.env));
  const argv = [
    'df',
    '--output=file,fstype,size',
    '--block-size=1',
    '--',
    ...candidates.map(({ path }) => path),
  ];
  const { stdout } = await system.exec(argv, { timeoutMs: DF_LIMIT_MS, env: { ...system.env, LC_ALL: 'C' } });
  const answers = parseDf(stdout);
  return Promise.all(
    candidates.map(async (candidate) => {
      const answer = answers.get(candidate.path);
      const writable = answer !== undefined && (await may(candidate.path, constants.W_OK | constants.X_OK));
      return { ...candidate, fsType: answer?.fsType ?? null, bytes: answer?.bytes ?? 0, writable };
    }),
  );
}

/** Reads `df --output=file,fstype,size`; df leaves out what is not there, and prints the rest. */
export function parseDf(stdout: string): Map<string, { fsType: string; bytes: number }> {
  const rows = stdout
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, path, fsType, bytes] = /^(.*\S)\s+(\S+)\s+(\d+)$/.exec(line) ?? [];
      return path !== undefined && fsType !== undefined
        ? [[path, { fsType, bytes: Number(bytes) }] as const]
        : [];
    });
  return new Map(rows);
}

async function onPath(env: System['env'], program: string): Promise<boolean> {
  const directories = (env.PATH ?? '').split(delimiter).filter((directory) => directory.startsWith('/'));
  const found = await Promise.all(
    directories.map((directory) => may(join(directory, program), constants.X_OK)),
  );
  return found.includes(true);
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

async function names(directory: string): Promise<string[]> {
  return readdir(directory).then(
    (found) => found.sort(),
    () => [],
  );
}
