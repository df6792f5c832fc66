import type { System } from '../system/system.ts';
import type { GitState } from './manifest.ts';

export interface CodeState {
  readonly git: GitState;
  /** Uncommitted changes of tracked files, as `git diff HEAD` prints them. */
  readonly diff: string;
}

const GIT_LIMIT_MS = 5_000;
/** A larger difference is somebody's data, not code. */
const MAX_DIFF = 4 << 20;

/** Commit and uncommitted changes of the checkout that a directory is in, or undefined where there is none. */
export async function codeState(system: System, directory: string): Promise<CodeState | undefined> {
  const git = (...argv: string[]) =>
    system.exec(['git', '-C', directory, ...argv], {
      timeoutMs: GIT_LIMIT_MS,
      env: { ...system.env, GIT_OPTIONAL_LOCKS: '0' },
    });
  const [head, changes] = await Promise.all([
    git('rev-parse', 'HEAD', '--abbrev-ref', 'HEAD'),
    git('diff', '--no-ext-diff', '--no-color', 'HEAD'),
  ]);
  const [commit, branch] = head.stdout.split('\n');
  if (head.code !== 0 || !commit) return undefined;
  const diff = changes.code === 0 && changes.stdout.length <= MAX_DIFF ? changes.stdout : '';
  return {
    git: {
      directory,
      commit,
      branch: branch && branch !== 'HEAD' ? branch : null,
      dirty: changes.stdout !== '',
    },
    diff,
  };
}
