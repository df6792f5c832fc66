import { EXIT, OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import type { System } from '../system/system.ts';
import { ask } from './client.ts';
import { failIfEnded, type StartedDaemon, startDaemon } from './daemon.ts';
import type { DatabaseInstall } from './install.ts';
import { isolated, mountSource } from './namespace.ts';
import { layout, type Sandbox } from './sandbox.ts';
import { poll } from './wait.ts';

const DATABASE_LIMIT_MS = 30_000;

/**
 * The script that the database starts with. Its files lie in memory where namespaces allow it: making them takes
 * a thousand fsyncs, which is half a second there and five on a busy disk, and they need not outlive a reboot.
 */
export function enterDatabaseScript(sandbox: Sandbox, database: DatabaseInstall): string {
  const files = layout(sandbox.dir);
  const common = `--no-defaults --datadir=${files.database} --user=${sandbox.user} --skip-name-resolve`;
  const small = '--innodb-buffer-pool-size=64M --innodb-log-file-size=16M --innodb-flush-log-at-trx-commit=0';
  return [
    '#!/bin/sh',
    "# The sandbox's accounting database: its tables, then its server.",
    'set -eu',
    ...(sandbox.isolation === 'none'
      ? []
      : [`mount -t tmpfs -o size=2g,mode=0700 ${mountSource(sandbox.dir)} ${files.database}`]),
    `${database.installDb} ${common} ${small} --auth-root-authentication-method=normal --skip-test-db`,
    `exec ${files.bin}/mariadbd ${common} ${small} --socket=${files.databaseSocket} \\`,
    `  --pid-file=${files.run}/mariadbd.pid --skip-networking --skip-log-bin --performance-schema=OFF`,
    '',
  ].join('\n');
}

/** The database, reached through a socket of the sandbox only. */
export function startDatabase(system: System, sandbox: Sandbox): Promise<StartedDaemon> {
  const argv = [...isolated(sandbox.isolation), '/bin/sh', layout(sandbox.dir).enterDatabase];
  return startDaemon(system, sandbox, { name: 'mariadbd', argv, env: {} });
}

export function startSlurmdbd(system: System, sandbox: Sandbox): Promise<StartedDaemon> {
  const files = layout(sandbox.dir);
  return startDaemon(system, sandbox, {
    name: 'slurmdbd',
    argv: [`${files.bin}/slurmdbd`, '-D'],
    env: { MYSQL_UNIX_PORT: files.databaseSocket },
  });
}

/** Waits for slurmdbd and tells it of the cluster, the account `research`, the QOS `high` and this user. */
export async function registerUser(
  system: System,
  sandbox: Sandbox,
  daemons: readonly StartedDaemon[],
): Promise<void> {
  const sacctmgr = (argv: readonly string[], input?: string) =>
    ask(system, sandbox, ['sacctmgr', ...argv], input);
  // slurmdbd listens before it answers, and makes its tables in between.
  const answers = await poll(DATABASE_LIMIT_MS, async () => {
    await failIfEnded(sandbox, daemons);
    return (await sacctmgr(['-nP', 'show', 'cluster']))?.ok || undefined;
  });
  if (!answers) {
    throw new OpsError(`slurmdbd does not answer after ${DATABASE_LIMIT_MS / 1000} s`, {
      exitCode: EXIT.tryAgain,
    });
  }
  const added = await sacctmgr(['-i'], registration(sandbox));
  const known = await sacctmgr([
    ...['-nP', 'show', 'assoc', `user=${sandbox.user}`, 'account=research', 'format=cluster'],
  ]);
  if (known?.stdout.trim() === sandbox.cluster) return;
  throw new OpsError(
    `accounting took no user ${sandbox.user}: ${lastLine(added?.stderr || added?.stdout || 'no answer')}`,
  );
}

/** What `sacctmgr -i` reads, a command a line: one process where there would be five. */
export function registration(sandbox: Sandbox): string {
  const user = sandbox.user;
  return [
    `add cluster ${sandbox.cluster}`,
    'add qos high Priority=1000',
    'add account research Description=research Organization=research',
    `add user ${user} Account=research DefaultAccount=research`,
    `modify user where name=${user} set DefaultAccount=research`,
    `modify user where name=${user} account=research set QOS=normal,high DefaultQOS=normal`,
    'quit',
    '',
  ].join('\n');
}
