import { $ } from 'zx/core';

export interface ExecOptions {
  /** Time limit in milliseconds; the command and its children are killed when it ends. */
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface ExecResult {
  readonly argv: readonly string[];
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** The program is not there, or may not be executed. */
  readonly missing: boolean;
}

/** Runs one program with its arguments. Never throws for what the program does; the result says it. */
export type Exec = (argv: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

const DEFAULT_TIMEOUT_MS = 10_000;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/**
 * The only door to other programs. zx quotes every argument, so a value can never become a second command.
 * Standard input is what `input` says, or empty: a tool that waits for a terminal must not hang opsctl.
 */
export const exec: Exec = async (argv, options = {}) => {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let timedOut = false;
  const run = $({
    nothrow: true,
    quiet: true,
    verbose: false,
    ...(options.input ? { input: options.input } : { stdio: ['ignore', 'pipe', 'pipe'] }),
    env: { ...(options.env ?? process.env) },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })`exec ${[...argv]}`;
  // A program that does not read its input may be gone before it is written: its exit code says what happened.
  if (options.input) run.stdin.on('error', () => undefined);
  const timer = setTimeout(() => {
    timedOut = true;
    void run.kill('SIGKILL').catch(() => undefined);
  }, timeoutMs);
  try {
    const { exitCode, stdout, stderr } = await run;
    const missing = !timedOut && isMissing(exitCode, stderr);
    return { argv, code: exitCode, stdout, stderr, timedOut, missing };
  } finally {
    clearTimeout(timer);
  }
};

/** bash says so itself, in the user's language, when it cannot exec: a program's own 126 or 127 is not mistaken for it. */
function isMissing(code: number | null, stderr: string): boolean {
  return (code === NOT_FOUND || code === NOT_EXECUTABLE) && /^\S*bash: /.test(stderr);
}
