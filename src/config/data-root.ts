/** A directory that might hold the caches of jobs. */
export interface Candidate {
  readonly path: string;
  /** What led to it: `$SCRATCH`, `/scratch/$USER`, `home`. */
  readonly from: string;
  /** As df(1) names it; null when df did not answer for it. */
  readonly fsType: string | null;
  readonly bytes: number;
  readonly writable: boolean;
}

export interface DataRoot {
  readonly path: string | null;
  /** Why this one, for the person who reads the profile. */
  readonly reason: string;
}

/** File systems that every node of a cluster can see. FUSE is how several of them, and object stores, are mounted. */
const SHARED =
  /^(nfs4?|lustre|gpfs|beegfs|ceph|wekafs|panfs|cephfs|afs|cifs|smb3|gfs2|ocfs2|glusterfs|orangefs|pvfs2|9p|virtiofs|fuse.*)$/;

/** Directories that sites give their users, most specific first. `user` is put in as it is. */
export function candidatePaths(
  env: Readonly<Record<string, string | undefined>>,
  user: string,
  home: string,
): { path: string; from: string }[] {
  const named = ['SCRATCH', 'WORK', 'WORKDIR', 'DATA', 'PROJECT', 'PSCRATCH'].flatMap((name) => {
    const path = env[name];
    return path?.startsWith('/') ? [{ path, from: `$${name}` }] : [];
  });
  const usual = ['/scratch', '/work', '/data', '/lustre', '/gpfs', '/fsx', '/mnt/data'].map((root) => ({
    path: `${root}/${user}`,
    from: `${root}/$USER`,
  }));
  return [...named, ...usual, { path: home, from: 'home' }];
}

/** Shared before local, then the order of the candidates; home only when nothing else will do. */
export function chooseDataRoot(candidates: readonly Candidate[]): DataRoot {
  const usable = candidates.filter((candidate) => candidate.writable && candidate.fsType !== null);
  const away = usable.filter((candidate) => candidate.from !== 'home');
  const isShared = (candidate: Candidate): boolean => SHARED.test(candidate.fsType ?? '');
  const chosen =
    away.find(isShared) ??
    usable.find(isShared) ??
    usable.find(({ from }) => from.startsWith('$')) ??
    usable.at(-1);
  if (!chosen) return { path: null, reason: 'No directory that can be written was found: set one.' };
  const what = `Taken from ${chosen.from}: ${chosen.fsType}, ${size(chosen.bytes)}.`;
  if (!isShared(chosen) && chosen.from === 'home') {
    const reason =
      "Nothing shared was found, so caches go into each run's own directory. Set one if there is one.";
    return { path: null, reason };
  }
  if (!isShared(chosen)) {
    return {
      path: chosen.path,
      reason: `${what} Not a shared file system: a job on several nodes needs one that all of them see.`,
    };
  }
  const small =
    chosen.from === 'home' ? ' Home quotas are often small: set a larger one if you have it.' : '';
  return { path: chosen.path, reason: what + small };
}

function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  return `${(bytes / 1000 ** power).toFixed(power > 2 ? 1 : 0)} ${units[power]}`;
}
