import { dirname } from 'node:path';
import { currentUser, type System } from '../system/system.ts';
import { parseQuota, type QuotaLine } from './quota-table.ts';

/** A file system that runs write to, with what df and quota say of it. */
export interface Place {
  readonly mount: string;
  readonly device: string;
  /** Paths of runs that lie on it. */
  readonly paths: readonly string[];
  readonly usedPercent: number;
  readonly inodesPercent: number;
  /** Undefined when it could not be read; empty where there is none. */
  readonly quotas: readonly QuotaLine[] | undefined;
}

/** What was found, and the paths whose file system did not answer. */
export interface Places {
  readonly places: readonly Place[];
  readonly silent: readonly string[];
}

/** A file system that hangs must not hold up the look at the others. */
const LIMIT_MS = 8_000;
/** Directories that are looked at; more than any user spreads runs over. */
export const MOST_PATHS = 16;
const COLUMNS = 'source,fstype,size,used,avail,itotal,iused,target';

/** Space, inodes and quota where the given directories lie. Never throws for what the file systems do. */
export async function lookAtPlaces(system: System, directories: readonly string[]): Promise<Places> {
  const parents = [...new Set(directories)].slice(0, MOST_PATHS);
  const found = await Promise.all(parents.map(async (path) => ({ path, disk: await diskOf(system, path) })));
  const disks = new Map<string, Disk & { paths: string[] }>();
  for (const { path, disk } of found) {
    if (disk === undefined || disk === 'silent') continue;
    const known = disks.get(disk.mount);
    if (known) known.paths.push(path);
    else disks.set(disk.mount, { ...disk, paths: [path] });
  }
  const general = disks.size > 0 ? await askQuota(system) : undefined;
  const places = await Promise.all(
    [...disks.values()].map(async ({ kind, ...disk }) => ({
      ...disk,
      quotas: kind === 'lustre' ? await askLustre(system, disk.mount) : ofDevice(general, disk),
    })),
  );
  return { places, silent: found.flatMap(({ path, disk }) => (disk === 'silent' ? [path] : [])) };
}

interface Disk extends Omit<Place, 'paths' | 'quotas'> {
  readonly kind: string;
}

/** A run's directory may not be there yet, or no more: what lies above it is on the same file system, mostly. */
async function diskOf(system: System, path: string): Promise<Disk | 'silent' | undefined> {
  for (let place = path; ; place = dirname(place)) {
    const argv = ['df', '-k', `--output=${COLUMNS}`, '--', place];
    const answer = await system.exec(argv, { timeoutMs: LIMIT_MS, env: { ...system.env, LC_ALL: 'C' } });
    if (answer.code === 0) return parseDf(answer.stdout);
    if (answer.timedOut) return 'silent';
    if (answer.missing || place === '/' || !/No such file/.test(answer.stderr)) return undefined;
  }
}

/** Reads the one line that df prints below its title. Used is counted as df does: of what an ordinary user may have. */
export function parseDf(stdout: string): Disk | undefined {
  const words = stdout.trim().split('\n').at(-1)?.trim().split(/\s+/) ?? [];
  const [device = '', kind = '', size, used, avail, inodes, inodesUsed, ...mount] = words;
  const numbers = [size, used, avail].map(Number);
  if (mount.length === 0 || numbers.some((value) => !Number.isFinite(value))) return undefined;
  const [, usedKib = 0, availKib = 0] = numbers;
  // Some file systems (btrfs) make inodes as they are needed: df prints "-" or 0.
  const share = Number(inodes) > 0 ? (Number(inodesUsed) / Number(inodes)) * 100 : 0;
  return {
    device,
    kind,
    mount: mount.join(' '),
    usedPercent: usedKib + availKib === 0 ? 0 : (usedKib / (usedKib + availKib)) * 100,
    inodesPercent: Number.isFinite(share) ? share : 0,
  };
}

/** It ends with 1 when a quota is exceeded, which is when it matters. */
async function askQuota(system: System): Promise<QuotaLine[] | undefined> {
  const answer = await system.exec(['quota', '-uvs'], {
    timeoutMs: LIMIT_MS,
    env: { ...system.env, LC_ALL: 'C' },
  });
  if (answer.missing) return [];
  return answer.timedOut || (answer.code ?? 2) > 1 ? undefined : parseQuota(answer.stdout);
}

async function askLustre(system: System, mount: string): Promise<QuotaLine[] | undefined> {
  const argv = ['lfs', 'quota', '-u', currentUser(), mount];
  const answer = await system.exec(argv, { timeoutMs: LIMIT_MS, env: { ...system.env, LC_ALL: 'C' } });
  if (answer.missing) return [];
  return answer.code === 0 ? parseQuota(answer.stdout) : undefined;
}

function ofDevice(
  lines: readonly QuotaLine[] | undefined,
  { device, mount }: Pick<Disk, 'device' | 'mount'>,
): QuotaLine[] | undefined {
  return lines?.filter(({ filesystem }) => filesystem === device || filesystem === mount);
}
