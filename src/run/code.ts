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
/** Looking for untracked files may take long where data lies in the checkout: then they are not known, and all else is. */
const UNTRACKED_LIMIT_MS = 2_000;
/** A larger difference is somebody's data, not code. */
const MAX_DIFF = 4 << 20;
/** Names of untracked files that a manifest holds. */
const MAX_NAMES = 20;

/** Commit and uncommitted changes of the checkout that a directory is in, or undefined where there is none. */
export async function codeState(system: System, directory: string): Promise<CodeState | undefined> {
  if (!isInCheckout(directory)) return undefined;
  const git = (argv: readonly string[], timeoutMs = GIT_LIMIT_MS) =>
    system.exec(['git', '-C', directory, ...argv], {
      timeoutMs,
      env: { ...system.env, GIT_OPTIONAL_LOCKS: '0' },
    });
  const ask = ['status', '--porcelain=v2', '-z', '--branch'];
  // One git for all of it: its start takes most of the time.
  const whole = await git([...ask, '--untracked-files=normal'], UNTRACKED_LIMIT_MS);
  const status = whole.timedOut ? await git([...ask, '--untracked-files=no']) : whole;
  const { commit, branch, dirty, untracked } = readStatus(status.stdout);
  if (status.code !== 0 || commit === undefined) return undefined;
  const changes = dirty ? await git(['diff', '--no-ext-diff', '--no-color', 'HEAD']) : undefined;
  const diffMissing = changes && whyMissing(changes);
  return {
    git: {
      directory,
      commit,
      branch: branch && branch !== '(detached)' ? branch : null,
      dirty,
      ...(diffMissing === undefined ? {} : { diffMissing }),
      ...(untracked.length === 0
        ? {}
        : { untracked: { count: untracked.length, first: untracked.slice(0, MAX_NAMES) } }),
    },
    diff: changes && diffMissing === undefined ? redactDiff(changes.stdout) : '',
  };
}

interface StatusRead {
  readonly commit: string | undefined;
  readonly branch: string | undefined;
  /** Tracked files were changed. */
  readonly dirty: boolean;
  readonly untracked: readonly string[];
}

/** Reads `git status --porcelain=v2 -z --branch`: entries end with NUL, and a renamed file (`2`) has its old name as one more. */
function readStatus(stdout: string): StatusRead {
  const entries = stdout.split('\0');
  const own = entries.filter((_entry, index) => !entries[index - 1]?.startsWith('2 '));
  const behind = (start: string) =>
    own.filter((entry) => entry.startsWith(start)).map((entry) => entry.slice(start.length));
  return {
    commit: /^[0-9a-f]{40,}$/.exec(behind('# branch.oid ')[0] ?? '')?.[0],
    branch: behind('# branch.head ')[0],
    dirty: own.some((entry) => /^[12u] /.test(entry)),
    untracked: behind('? '),
  };
}

function whyMissing({ code, timedOut, stdout, stderr }: ExecResult): string | undefined {
  if (timedOut) return `git diff took longer than ${GIT_LIMIT_MS / 1000} s`;
  if (code !== 0) return `git diff failed: ${stderr.trim().split('\n').at(-1) ?? ''}`;
  if (stdout.length > MAX_DIFF) return `it is larger than ${MAX_DIFF >> 20} MiB`;
  return undefined;
}

/** A look at the file system, because starting git only to hear "not a repository" takes longer. */
function isInCheckout(directory: string): boolean {
  const parent = dirname(directory);
  return existsSync(join(directory, '.git')) || (parent !== directory && isInCheckout(parent));
}
