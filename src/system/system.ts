import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Exec } from './exec.ts';

/** Everything outside the process that a function may touch. Tests give another one. */
export interface System {
  readonly exec: Exec;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly now: () => Date;
}

/** The real machine. The door to programs is opened on first use: most commands start none. */
export function realSystem(): System {
  return {
    exec: async (argv, options) => (await import('./exec.ts')).exec(argv, options),
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
  };
}

/** `$OPSCTL_HOME`, else `$XDG_STATE_HOME/opsctl`, else `~/.local/state/opsctl`. A relative XDG path is ignored, as its specification asks. */
export function stateHome(env: System['env']): string {
  if (env.OPSCTL_HOME) return resolve(env.OPSCTL_HOME);
  const xdg = env.XDG_STATE_HOME;
  return xdg && isAbsolute(xdg) ? join(xdg, 'opsctl') : join(home(env), '.local', 'state', 'opsctl');
}

/** `$XDG_CONFIG_HOME/opsctl`, else `~/.config/opsctl`. */
export function configHome(env: System['env']): string {
  const xdg = env.XDG_CONFIG_HOME;
  return xdg && isAbsolute(xdg) ? join(xdg, 'opsctl') : join(home(env), '.config', 'opsctl');
}

export function home(env: System['env']): string {
  // With HOME set and empty, homedir() is empty too; the user database knows better.
  return env.HOME || homedir() || userInfo().homedir;
}

export function currentUser(): string {
  return userInfo().username;
}

/** The short name of this machine, as Slurm names nodes. */
export function shortHostname(): string {
  return hostname().split('.')[0] ?? hostname();
}
