import { dirname } from 'node:path';
import { UsageError } from '../errors.ts';
import { shellWord } from '../template/quote.ts';

/** How the watcher is started where nobody is logged in. */
export interface Watcher {
  /** Absolute paths of Node and of opsctl's file. */
  readonly node: string;
  readonly opsctl: string;
  /** State directory, as an absolute path. */
  readonly home: string;
  readonly config: string | null;
  readonly profile: string | null;
  /** Variables beside PATH and OPSCTL_HOME. */
  readonly env: Readonly<Record<string, string>>;
  /** Directory of Slurm's programs. */
  readonly slurm: string | null;
}

/** Of the caller's environment: where things are and which language; nothing that may be a secret. */
const KEPT = [
  'XDG_CONFIG_HOME',
  'OPSCTL_RUNBOOKS',
  'SLURM_CONF',
  'NODE_EXTRA_CA_CERTS',
  'LANG',
  'LC_ALL',
] as const;

export function keptVariables(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    KEPT.flatMap((name): [string, string][] => {
      const value = env[name];
      return value ? [[name, value]] : [];
    }),
  );
}

export function scriptPath(home: string): string {
  return `${home}/cron/watch.sh`;
}

/** What the watcher said. */
export function logPath(home: string): string {
  return `${home}/cron/watch.log`;
}

/**
 * One look of the watcher as a script: cron, Slurm and systemd quote each in their own way and have limits for the length
 * of a line, so all that is in their hands is its path.
 */
export function watcherScript({ node, opsctl, home, config, profile, env, slurm }: Watcher): string {
  // The Slurm of whoever installs it before all others: there may be an older one.
  const directories = [slurm, dirname(node), '/usr/local/bin', '/usr/bin', '/bin'];
  const path = [...new Set(directories.filter((directory) => directory !== null))].join(':');
  const log = shellWord(logPath(home));
  const words = [
    node,
    opsctl,
    ...(config === null ? [] : ['--config', config]),
    ...(profile === null ? [] : ['--profile', profile]),
    'watch',
    '--once',
  ];
  const variables = { PATH: path, OPSCTL_HOME: home, ...env };
  return [
    '#!/bin/sh',
    '# One look of the watcher. Written by "opsctl cron install": run that again instead of changing it.',
    'umask 077',
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`),
    '# The last one to two megabytes of what it said are kept.',
    `if [ -n "$(find ${log} -size +1024k 2>/dev/null)" ]; then mv -f ${log} ${shellWord(`${logPath(home)}.1`)}; fi`,
    `exec ${words.map(shellWord).join(' ')} >>${log} 2>&1`,
    '',
  ].join('\n');
}

/** @throws UsageError for a path that cron, Slurm or systemd would read as something else. */
export function checkHome(home: string): void {
  const odd = /[\p{Cc}%\\"'$`]/u.exec(home)?.[0];
  if (odd !== undefined)
    throw new UsageError(
      `the state directory has ${JSON.stringify(odd)} in its name, which cron and systemd do not take as it is: ${home}`,
      'Set OPSCTL_HOME to a directory with a plainer name.',
    );
}
