import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

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
/** Milliseconds for what a program that has ended left in its pipes. */
const REST_MS = 500;

/**
 * The only door to other programs. No shell stands between: the program is started with its arguments as they are, so a
 * value can never become a second command. Standard input is what `input` says, or empty: a tool that waits for a
 * terminal must not hang opsctl. zx is loaded only for what it does best, ending a whole tree of processes: with it
 * around every program a submission takes half as long again (`npm run bench`).
 */
export const exec: Exec = (argv, options = {}) =>
  new Promise((resolve) => {
    const [program = '', ...words] = argv;
    const output = { stdout: '', stderr: '' };
    let timedOut = false;
    let missing = false;
    let child: ChildProcess;
    try {
      // A group of its own, so that the limit ends its children too, and Ctrl-C at the terminal does not end it half-way.
      child = spawn(program, words, {
        env: options.env ?? process.env,
        stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
        detached: true,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      });
    } catch (error) {
      // No program has an empty name, and no argument can hold a zero byte.
      resolve({
        argv,
        code: null,
        ...output,
        stderr: `${program}: ${messageOf(error)}\n`,
        timedOut,
        missing,
      });
      return;
    }
    const timer = setTimeout(() => {
      timedOut = true;
      void endTree(child);
    }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    // A program that does not read its input may be gone before it is written: its exit code says what happened.
    child.stdin?.on('error', () => undefined).end(options.input);
    // It could not be started. A working directory that is not there says the same of itself; too many processes or
    // arguments are something else.
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isAbsent = error.code === 'ENOENT' || error.code === 'EACCES';
      missing = isAbsent && (options.cwd === undefined || existsSync(options.cwd));
      if (!missing) output.stderr += `${program} could not be started: ${error.message}\n`;
    });
    // What it leaves running may hold its pipes open for hours: its own last words are in them by now.
    child.once('exit', () => {
      const grace = setTimeout(() => closePipes(child), REST_MS);
      child.once('close', () => clearTimeout(grace));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ argv, code, ...output, timedOut, missing });
    });
  });

/** Ends a program with all that it has started, those with a group of their own among them. */
async function endTree(child: ChildProcess): Promise<void> {
  const { kill } = await import('zx/core');
  if (child.pid !== undefined) await kill(child.pid, 'SIGKILL').catch(() => child.kill('SIGKILL'));
  // Whoever escaped may hold the pipes open: nobody waits for that.
  closePipes(child);
}

function closePipes({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
