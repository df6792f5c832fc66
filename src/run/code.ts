import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecResult } from '../system/exec.ts';
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
/** Names of untracked files that a manifest holds. */
const MAX_NAMES = 20;

/**
 * Commit and uncommitted changes of the checkout that a directory is in, or undefined where there is none. git-status(1)
 * in its porcelain version 2 tells commit, branch and whether anything was changed. Untracked files are asked for beside it,
 * because looking for them may take long where data lies in the checkout: then they are not known, and all else is.
 */
export async function codeState(system: System, directory: string): Promise<CodeState | undefined> {
  if (!isInCheckout(directory)) return undefined;
  const git = (...argv: string[]) =>
    system.exec(['git', '-C', directory, ...argv], {
      timeoutMs: GIT_LIMIT_MS,
      env: { ...system.env, GIT_OPTIONAL_LOCKS: '0' },
    });
  const [status, others] = await Promise.all([
    git('status', '--porcelain=v2', '--branch', '--untracked-files=no'),
    git('ls-files', '-z', '--others', '--exclude-standard', '--directory', '--no-empty-directory', ':/'),
  ]);
  const commit = /^# branch\.oid ([0-9a-f]{40,})$/m.exec(status.stdout)?.[1];
  if (status.code !== 0 || commit === undefined) return undefined;
  const branch = /^# branch\.head (.+)$/m.exec(status.stdout)?.[1];
  const dirty = /^[^#]/m.test(status.stdout);
  const changes = dirty ? await git('diff', '--no-ext-diff', '--no-color', 'HEAD') : undefined;
  const diffMissing = changes && whyMissing(changes);
  return {
    git: {
      directory,
      commit,
      branch: branch && branch !== '(detached)' ? branch : null,
      dirty,
      ...(diffMissing === undefined ? {} : { diffMissing }),
      ...untracked(others),
    },
    diff: changes && diffMissing === undefined ? redactDiff(changes.stdout) : '',
  };
}

function whyMissing({ code, timedOut, stdout, stderr }: ExecResult): string | undefined {
  if (timedOut) return `git diff took longer than ${GIT_LIMIT_MS / 1000} s`;
  if (code !== 0) return `git diff failed: ${stderr.trim().split('\n').at(-1) ?? ''}`;
  if (stdout.length > MAX_DIFF) return `it is larger than ${MAX_DIFF >> 20} MiB`;
  return undefined;
}

/** Nothing where git did not get to the end. */
function untracked({ code, stdout }: ExecResult): Pick<GitState, 'untracked'> {
  const names = stdout.split('\0').filter((name) => name !== '');
  return code !== 0 || names.length === 0
    ? {}
    : { untracked: { count: names.length, first: names.slice(0, MAX_NAMES) } };
}

/** A look at the file system, because starting git only to hear "not a repository" takes longer. */
function isInCheckout(directory: string): boolean {
  const parent = dirname(directory);
  return existsSync(join(directory, '.git')) || (parent !== directory && isInCheckout(parent));
}
