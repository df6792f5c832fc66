import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { readIfThere } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { printable } from '../terminal/terminal.ts';
import { DAEMON_MARK } from './evidence.ts';
import { layout, type Sandbox } from './sandbox.ts';

/** A daemon that is to run: its name is that of its log. */
export interface DaemonPlan {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface StartedDaemon {
  readonly name: string;
  /** It ended: how, in words. */
  readonly ended: () => string | undefined;
}

/**
 * Starts a program that outlives opsctl: a session of its own, nothing of opsctl's input and output. This is the
 * one place that does not go through `system.exec`, which waits for what it runs.
 */
export async function startDaemon(
  system: System,
  sandbox: Sandbox,
  plan: DaemonPlan,
): Promise<StartedDaemon> {
  const { log: directory } = layout(sandbox.dir);
  const log = await open(errorLog(sandbox, plan.name), 'a', 0o600);
  let ended: string | undefined;
  try {
    const [program = '', ...words] = plan.argv;
    const child = spawn(program, words, {
      cwd: directory,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...daemonEnvironment(system, sandbox), ...plan.env },
    });
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
    });
    child.unref();
  } finally {
    await log.close();
  }
  return { name: plan.name, ended: () => ended };
}

/** Nothing of the user's shell but what a daemon needs: a job gets its own environment from sbatch. */
function daemonEnvironment(system: System, sandbox: Sandbox): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    USER: sandbox.user,
    HOME: system.env.HOME ?? '/',
    ...(system.env.TZ === undefined ? {} : { TZ: system.env.TZ }),
    SLURM_CONF: layout(sandbox.dir).slurmConf,
    [DAEMON_MARK]: sandbox.dir,
  };
}

/** @throws OpsError with the daemon's own last words as soon as one of them has ended. */
export async function failIfEnded(sandbox: Sandbox, daemons: readonly StartedDaemon[]): Promise<void> {
  const dead = daemons.find((daemon) => daemon.ended() !== undefined);
  if (dead === undefined) return;
  const words = await lastWords(sandbox, dead.name);
  throw new OpsError(
    `${dead.name} ended (${dead.ended()}) while the sandbox was starting. It said: ${words}`,
  );
}

/** A daemon's last line that says what is wrong, or its last line. */
export async function lastWords(sandbox: Sandbox, name: string): Promise<string> {
  const text = (await readIfThere(errorLog(sandbox, name))) ?? '';
  const all = text.split('\n').filter((line) => line.trim() !== '');
  const line = all.findLast((one) => /fatal|error/i.test(one)) ?? all.at(-1);
  return line === undefined ? 'nothing' : printable(line.trim());
}

/** Standard output and error of a daemon. Slurm's keep a log of their own beside it. */
function errorLog(sandbox: Sandbox, name: string): string {
  return join(layout(sandbox.dir).log, `${name}.err`);
}
