import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

/** The built command line, as users run it. */
export const OPSCTL = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');

const COMMAND_LIMIT_MS = 60_000;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; one that takes longer than the limit (milliseconds) fails the test. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...words] = argv;
  const limit = options.timeoutMs ?? COMMAND_LIMIT_MS;
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd: options.cwd, env: { ...process.env, ...options.env } });
    const output = { stdout: '', stderr: '' };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${argv.join(' ')} took longer than ${limit} ms\n${output.stdout}${output.stderr}`));
    }, limit);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
      });
    }
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...output });
    });
  });
}

/** A private Slurm for one test file, and a place of its own for all that the tests write. */
export interface TestSandbox {
  /** A new directory that the nodes see as well: configuration, data, outputs. */
  readonly root: string;
  /** The sandbox's own directory, below the root. */
  readonly dir: string;
  /** SLURM_CONF, OPSCTL_HOME (below the root) and the like. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the built opsctl against this sandbox, from the root unless `cwd` says otherwise. */
  readonly opsctl: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;
  /** Runs any program with the sandbox's environment: `slurm(['squeue', '-h'])`. */
  readonly slurm: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;
  /** Ends it and fails the test when a process, a mount or a file is left. */
  readonly down: () => Promise<void>;
}

/** For `beforeAll`; give the rest of the options of `opsctl sandbox up`, such as `['--nodes', '4', '--accounting']`. */
export async function startSandbox(upOptions: readonly string[] = []): Promise<TestSandbox> {
  const root = temporaryDirectory();
  const dir = join(root, 'sandbox');
  const own = { OPSCTL_HOME: join(root, 'state'), XDG_CONFIG_HOME: join(root, 'config'), NO_COLOR: '1' };
  const up = await run([OPSCTL, 'sandbox', 'up', '--json', '--dir', dir, '--share', root, ...upOptions], {
    env: own,
  });
  if (up.code !== 0) {
    rmSync(root, { recursive: true, force: true });
    throw new Error(`sandbox up: exit code ${up.code}\n${up.stderr}`);
  }
  const env = { ...own, ...(JSON.parse(up.stdout) as { env: Record<string, string> }).env };
  const inside = (argv: readonly string[], options: RunOptions = {}) =>
    run(argv, { cwd: root, ...options, env: { ...env, ...options.env } });
  return {
    root,
    dir,
    env,
    opsctl: (argv, options) => inside([OPSCTL, ...argv], options),
    slurm: inside,
    down: async () => {
      const down = await run([OPSCTL, 'sandbox', 'down', '--dir', dir], { env: own });
      const left = traces(dir);
      rmSync(root, { recursive: true, force: true });
      expect(down, down.stderr).toMatchObject({ code: 0 });
      expect(left).toEqual([]);
    },
  };
}

/** A new directory below the system's temporary one, without symbolic links in its path. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-e2e-'));
}

/** Whatever is left of a sandbox, in words: looked for without opsctl's own means. */
export function traces(dir: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [
    ...(existsSync(dir) ? [`directory ${dir}`] : []),
    ...mounts.filter((line) => line.includes(dir)).map((line) => `mount ${line}`),
    ...readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
      .flatMap((pid) => {
        // A zombie's files are empty: it has ended.
        const seen = ['cmdline', 'environ', 'mountinfo'].find((file) => procFile(pid, file).includes(dir));
        return seen === undefined
          ? []
          : [`process ${pid}: ${procFile(pid, 'cmdline').replaceAll('\0', ' ')}`];
      }),
  ];
}

/** The process that is this node of the sandbox in `dir`: it has the node's own /dev/shm. */
export function slurmdOf(dir: string, node: string): string {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    const words = procFile(pid, 'cmdline').split('\0');
    return words[0]?.endsWith('slurmd') && words.includes(node) && words.some((word) => word.includes(dir));
  });
  if (found === undefined) throw new Error(`no slurmd of ${node}`);
  return found;
}

function procFile(pid: string, file: string): string {
  try {
    return readFileSync(join('/proc', pid, file), 'utf8');
  } catch {
    return '';
  }
}

/** A word of `render --json`, with what only the node knew. */
export function filled(word: string, env: Readonly<Record<string, string>>): string {
  return word.replace(/\$([A-Za-z_]\w*)/g, (whole, name: string) => env[name] ?? whole);
}

/** Asks until the answer is truthy and gives it; fails, with the last answer, after the limit (milliseconds). */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  limitMs = 30_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end)
      throw new Error(`${what}: not after ${limitMs} ms; last answer ${JSON.stringify(answer)}`);
    await sleep(100);
  }
}
