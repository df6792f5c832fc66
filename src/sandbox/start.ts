import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { registerUser, startDatabase, startSlurmdbd } from './accounting.ts';
import { nodeStates } from './client.ts';
import { failIfEnded, lastWords, type StartedDaemon, startDaemon } from './daemon.ts';
import { endProcess } from './end.ts';
import type { DaemonSeen } from './evidence.ts';
import { nodeCommand } from './namespace.ts';
import { accepts } from './ports.ts';
import { layout, type Sandbox } from './sandbox.ts';
import { nodeNames } from './shape.ts';
import { poll } from './wait.ts';

const READY_LIMIT_MS = 30_000;

/** Starting a sandbox's daemons: what runs already, and what was started so far. */
interface Start {
  readonly system: System;
  readonly sandbox: Sandbox;
  readonly running: readonly DaemonSeen[];
  readonly started: StartedDaemon[];
}

/**
 * Starts those of a sandbox's daemons that do not run, in the order in which they need each other, and waits
 * until every node has registered: a job submitted then starts at once.
 * @returns how many were started.
 */
export async function startMissing(
  system: System,
  sandbox: Sandbox,
  running: readonly DaemonSeen[],
): Promise<number> {
  const start: Start = { system, sandbox, running, started: [] };
  const database = sandbox.shape.accounting ? await beginDatabase(start) : 'runs';
  await startMunged(start);
  if (database !== 'runs') await finishDatabase(start, database);
  await startController(start);
  await startNodes(start);
  if (start.started.length > 0) {
    await until(start, 'the nodes', async () => allRegistered(await nodeStates(system, sandbox), sandbox));
  }
  return start.started.length;
}

async function startMunged(start: Start): Promise<void> {
  const files = layout(start.sandbox.dir);
  if (runs(start, 'munged')) return;
  // --force: munged would have its socket's directory open to all, and here it is the user's own.
  await launch(start, 'munged', [
    ...[`${files.bin}/munged`, '--foreground', '--force', `--socket=${files.mungeSocket}`],
    ...[`--key-file=${files.mungeKey}`, `--seed-file=${files.run}/munge.seed`],
    ...[`--pid-file=${files.run}/munged.pid`, `--log-file=${files.log}/munged.log`],
  ]);
  await until(start, 'munged', () => accepts(files.mungeSocket));
}

/** The slowest of all, so it is begun first. A new database knows nothing of an old slurmdbd's cluster. */
async function beginDatabase(start: Start): Promise<'runs' | 'has-tables' | 'new'> {
  const slurmdbd = start.running.find((daemon) => daemon.program === 'slurmdbd');
  if (runs(start, 'mariadbd')) return slurmdbd === undefined ? 'has-tables' : 'runs';
  if (slurmdbd !== undefined) endProcess(slurmdbd.pid);
  start.started.push(await startDatabase(start.system, start.sandbox));
  return 'new';
}

async function finishDatabase(start: Start, database: 'has-tables' | 'new'): Promise<void> {
  await until(start, 'mariadbd', () => accepts(layout(start.sandbox.dir).databaseSocket));
  start.started.push(await startSlurmdbd(start.system, start.sandbox));
  if (database === 'new') await registerUser(start.system, start.sandbox, start.started);
}

async function startController(start: Start): Promise<void> {
  const files = layout(start.sandbox.dir);
  if (runs(start, 'slurmctld')) return;
  await launch(start, 'slurmctld', [`${files.bin}/slurmctld`, '-D', '-f', files.slurmConf]);
  await until(start, 'slurmctld', () => accepts(start.sandbox.ports.controller));
}

async function startNodes(start: Start): Promise<void> {
  const present = new Set(start.running.map((daemon) => daemon.node));
  for (const node of nodeNames(start.sandbox.shape.nodes)) {
    if (!present.has(node)) await launch(start, node, nodeCommand(start.sandbox, node));
  }
}

function runs(start: Start, program: DaemonSeen['program']): boolean {
  return start.running.some((daemon) => daemon.program === program);
}

async function launch(start: Start, name: string, argv: readonly string[]): Promise<void> {
  start.started.push(await startDaemon(start.system, start.sandbox, { name, argv, env: {} }));
}

/** sinfo marks a node that does not answer with `*`; `inval` has registered as something else than slurm.conf says. */
function allRegistered(states: ReadonlyMap<string, string> | undefined, sandbox: Sandbox): boolean {
  const all = [...(states?.values() ?? [])];
  return all.length === sandbox.shape.nodes && all.every((state) => !/^unk|^inval|\*$/.test(state));
}

/** Waits for an answer of yes, but not for a daemon that has ended meanwhile. */
async function until(start: Start, what: string, ask: () => Promise<boolean>): Promise<void> {
  const done = await poll(READY_LIMIT_MS, async () => {
    await failIfEnded(start.sandbox, start.started);
    return (await ask()) || undefined;
  });
  if (done) return;
  const last = start.started.at(-1)?.name ?? 'slurmctld';
  const words = await lastWords(start.sandbox, last);
  throw new OpsError(`${what}: not ready after ${READY_LIMIT_MS / 1000} s. ${last} said: ${words}`, {
    exitCode: EXIT.tryAgain,
    hint: `The machine may be too busy: try again, or with fewer nodes than ${start.sandbox.shape.nodes}.`,
  });
}
