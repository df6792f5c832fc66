import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { installDatabase, registerUser, startDatabase, startSlurmdbd } from './accounting.ts';
import { nodeStates } from './client.ts';
import { failIfEnded, type StartedDaemon, startDaemon } from './daemon.ts';
import type { DaemonSeen } from './evidence.ts';
import type { Install } from './install.ts';
import { nodeCommand } from './namespace.ts';
import { accepts } from './ports.ts';
import { layout, type Sandbox } from './sandbox.ts';
import { nodeNames } from './shape.ts';
import { poll } from './wait.ts';

const DAEMON_LIMIT_MS = 20_000;

/** Starts what is not running of a sandbox's daemons, in the order in which they need each other, and waits until jobs can run. */
export async function startMissing(
  system: System,
  sandbox: Sandbox,
  install: Install,
  running: readonly DaemonSeen[],
): Promise<void> {
  const files = layout(sandbox.dir);
  const daemons: StartedDaemon[] = [];
  const runs = (program: DaemonSeen['program']) => running.some((daemon) => daemon.program === program);
  const until = async (what: string, ask: () => Promise<boolean>) => {
    const done = await poll(DAEMON_LIMIT_MS, async () => {
      await failIfEnded(sandbox, daemons);
      return (await ask()) || undefined;
    });
    if (!done) throw notReady(sandbox, what);
  };

  if (!runs('munged')) {
    daemons.push(
      await startDaemon(system, sandbox, { name: 'munged', argv: mungedCommand(sandbox), env: {} }),
    );
    await until('munged', () => accepts(files.mungeSocket));
  }
  if (install.database && !runs('mariadbd')) {
    if (running.length === 0) await installDatabase(system, sandbox, install.database);
    daemons.push(await startDatabase(system, sandbox));
    await until('mariadbd', () => accepts(files.databaseSocket));
  }
  if (install.database && !runs('slurmdbd')) {
    daemons.push(await startSlurmdbd(system, sandbox));
    await registerUser(system, sandbox, daemons);
  }
  if (!runs('slurmctld')) {
    const argv = [`${files.bin}/slurmctld`, '-D', '-f', files.slurmConf];
    daemons.push(await startDaemon(system, sandbox, { name: 'slurmctld', argv, env: {} }));
    await until('slurmctld', () => accepts(sandbox.ports.controller));
  }
  const nodes = nodeNames(sandbox.shape.nodes);
  for (const node of nodes.filter((name) => !running.some((daemon) => daemon.node === name))) {
    daemons.push(
      await startDaemon(system, sandbox, { name: node, argv: nodeCommand(sandbox, node), env: {} }),
    );
  }
  await until(`all ${nodes.length} nodes`, () => allUsable(system, sandbox));
}

function mungedCommand(sandbox: Sandbox): string[] {
  const files = layout(sandbox.dir);
  // --force: munged would have its socket's directory open to all, and here it is the user's own.
  return [
    ...[`${files.bin}/munged`, '--foreground', '--force', `--socket=${files.mungeSocket}`],
    ...[`--key-file=${files.mungeKey}`, `--seed-file=${files.run}/munge.seed`],
    ...[`--pid-file=${files.run}/munged.pid`, `--log-file=${files.log}/munged.log`],
  ];
}

/** sinfo's states of a node that takes jobs, or would if it were not busy with one. */
const USABLE = new Set([
  'idle',
  'mixed',
  'allocated',
  'completing',
  'planned',
  'reserved',
  'drained',
  'draining',
]);

/** Every node has registered; one that does not answer has a `*` behind its state, and an unregistered one is `unknown`. */
async function allUsable(system: System, sandbox: Sandbox): Promise<boolean> {
  const states = [...((await nodeStates(system, sandbox))?.values() ?? [])];
  return states.length === sandbox.shape.nodes && states.every((state) => USABLE.has(state));
}

function notReady(sandbox: Sandbox, what: string): OpsError {
  return new OpsError(`${what} not ready after ${DAEMON_LIMIT_MS / 1000} s`, {
    exitCode: EXIT.tryAgain,
    hint: `The machine may be too busy: try again, or with fewer nodes than ${sandbox.shape.nodes}.`,
  });
}
