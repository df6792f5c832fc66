import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { System } from '../system/system.ts';
import type { GitState } from './manifest.ts';
import { redactDiff } from './redact-diff.ts';

export interface CodeState {
  readonly git: GitState;
  /** Uncommitted changes of tracked files, as `git diff HEAD` prints them, without keys. */
  readonly diff: string;
}

const GIT_LIMIT_MS = 5_000;
/** A larger difference is somebody's data, not code. */
const MAX_DIFF = 4 << 20;

/**
 * Commit and uncommitted changes of the checkout that a directory is in, or undefined where there is none. git-status(1)
 * in its porcelain version 2 tells commit, branch and whether anything was changed.
 */
export async function codeState(system: System, directory: string): Promise<CodeState | undefined> {
  if (!isInCheckout(directory)) return undefined;
  const git = (...argv: string[]) =>
    system.exec(['git', '-C', directory, ...argv], {
      timeoutMs: GIT_LIMIT_MS,
      env: { ...system.env, GIT_OPTIONAL_LOCKS: '0' },
    });
  const status = await git('status', '--porcelain=v2', '--branch', '--untracked-files=no');
  const commit = /^# branch\.oid ([0-9a-f]{40,})$/m.exec(status.stdout)?.[1];
  if (status.code !== 0 || commit === undefined) return undefined;
  const branch = /^# branch\.head (.+)$/m.exec(status.stdout)?.[1];
  const dirty = /^[^#]/m.test(status.stdout);
  const changes = dirty ? await git('diff', '--no-ext-diff', '--no-color', 'HEAD') : undefined;
  const diff = changes?.code === 0 && changes.stdout.length <= MAX_DIFF ? redactDiff(changes.stdout) : '';
  return {
    git: { directory, commit, branch: branch && branch !== '(detached)' ? branch : null, dirty },
    diff,
  };
}

/** A look at the file system, because starting git only to hear "not a repository" takes longer. */
function isInCheckout(directory: string): boolean {
  const parent = dirname(directory);
  return existsSync(join(directory, '.git')) || (parent !== directory && isInCheckout(parent));
}
