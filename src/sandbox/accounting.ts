import { EXIT, OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import { together } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { ask } from './client.ts';
import { failIfEnded, lastWords, type StartedDaemon, startDaemon } from './daemon.ts';
import type { DatabaseInstall } from './install.ts';
import { isolated, mountSource } from './namespace.ts';
import { layout, type Sandbox } from './sandbox.ts';
import { poll } from './wait.ts';

const DATABASE_LIMIT_MS = 30_000;
/** Told twice, it would be refused: a busy machine gets the time it needs. */
const TELL_LIMIT_MS = 15_000;

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
      : [`mount -n -t tmpfs -o size=2g,mode=0700 ${mountSource(sandbox.dir)} ${files.database}`]),
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

/**
 * Waits for slurmdbd and tells it of the cluster, the QOS `high`, the account `research` and this user. Every
 * message between sacctmgr and slurmdbd takes 40 ms (TCP's delayed acknowledgement), so few are sent: no question
 * first, the QOS beside the cluster, and account and user in one conversation.
 */
export async function registerUser(
  system: System,
  sandbox: Sandbox,
  daemons: readonly StartedDaemon[],
): Promise<void> {
  await together([
    tell(system, sandbox, daemons, ['add', 'cluster', sandbox.cluster]),
    tell(system, sandbox, daemons, ['add', 'qos', 'high', 'Priority=1000']),
  ]);
  await tell(system, sandbox, daemons, [], userRegistration(sandbox.user));
}

/** What `sacctmgr -i` reads, a command a line. */
export function userRegistration(user: string): string {
  return [
    'add account research Description=research Organization=research QOS=normal,high DefaultQOS=normal',
    `add user ${user} Account=research DefaultAccount=research`,
    `modify user where name=${user} set DefaultAccount=research`,
    'quit',
    '',
  ].join('\n');
}

/** Says it to slurmdbd until it has answered: it listens before it does, and makes its tables in between. */
async function tell(
  system: System,
  sandbox: Sandbox,
  daemons: readonly StartedDaemon[],
  words: readonly string[],
  input = '',
): Promise<void> {
  const argv = ['sacctmgr', '-i', ...words];
  const answer = await poll(DATABASE_LIMIT_MS, async () => {
    await failIfEnded(sandbox, daemons);
    return ask(system, sandbox, argv, { input, timeoutMs: TELL_LIMIT_MS });
  });
  if (answer?.ok) return;
  const reason =
    answer === undefined
      ? `no answer. slurmdbd said: ${await lastWords(sandbox, 'slurmdbd')}`
      : lastLine(answer.stderr || answer.stdout);
  throw new OpsError(`slurmdbd did not take "${argv.join(' ')}": ${reason}`, {
    ...(answer === undefined ? { exitCode: EXIT.tryAgain } : {}),
  });
}
