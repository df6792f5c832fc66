import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import { ensureDirectory, fileError } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import { currentUser, home, type System, shortHostname } from '../system/system.ts';
import { deleteFiles, endProcesses, removeEmpty } from './end.ts';
import { type DaemonSeen, daemonsAmong } from './evidence.ts';
import { writeSandboxFiles } from './files.ts';
import { findInstall, type Install } from './install.ts';
import { interruptible } from './interrupt.ts';
import { lockPlace } from './lock.ts';
import { neededShares, PRIVATE_DIRECTORIES, probeIsolation } from './namespace.ts';
import type { Place } from './place.ts';
import { holdPorts } from './ports.ts';
import { processId, readProcesses } from './processes.ts';
import { clusterName, readSandbox, refuseElsewhere, type Sandbox, writeSandbox } from './sandbox.ts';
import { type AskedShape, differences, wholeShape } from './shape.ts';
import { startMissing } from './start.ts';

export interface UpResult {
  readonly sandbox: Sandbox;
  /** Was up already; `repaired` when a daemon of it had to be started again. */
  readonly outcome: 'started' | 'already-up' | 'repaired';
}

/** Brings a sandbox up, whatever an earlier `up`, a crash or a reboot left of it. On failure nothing is left behind. */
export async function up(
  system: System,
  place: Place,
  asked: AskedShape,
  shares: readonly string[],
): Promise<UpResult> {
  const unlock = await lockPlace(place.dir);
  if (unlock === undefined) {
    throw new OpsError(`another "opsctl sandbox up" or "down" is at work on ${place.dir}`, {
      exitCode: EXIT.tryAgain,
      hint: 'Wait for it, or end it with "opsctl sandbox down".',
    });
  }
  try {
    return await upAlone(system, place, asked, shares);
  } finally {
    await unlock();
  }
}

async function upAlone(
  system: System,
  place: Place,
  asked: AskedShape,
  shares: readonly string[],
): Promise<UpResult> {
  const found = await readSandbox(place.dir);
  if (found.kind === 'foreign') {
    throw new UsageError(
      `${place.dir} is not empty and no sandbox. Nothing was touched.`,
      'Name a directory that is empty or not there yet: --dir DIR',
    );
  }
  if (found.kind === 'sandbox') refuseElsewhere(found.sandbox);
  if (found.kind === 'sandbox' && found.sandbox.starter === null) {
    const running = daemonsAmong(place.dir, await readProcesses());
    if (running.some((daemon) => daemon.program.startsWith('slurm'))) {
      return reuse(system, found.sandbox, asked, running);
    }
  }
  const install = await findInstall(system, asked.accounting === true);
  // Also where there is no directory: someone may have deleted it under running daemons.
  await discard(system, place);
  return { sandbox: await startAnew(system, place, asked, shares, install), outcome: 'started' };
}

/** The sandbox is up, as a whole or in part: its jobs go on, and what died of it is started again. */
async function reuse(
  system: System,
  sandbox: Sandbox,
  asked: AskedShape,
  running: readonly DaemonSeen[],
): Promise<UpResult> {
  const wrong = differences(asked, sandbox.shape);
  if (wrong.length > 0) {
    throw new UsageError(
      `sandbox "${sandbox.name}" is up, and not as you ask: ${wrong.join('; ')}.`,
      'End it first with "opsctl sandbox down", or name another one with --name.',
    );
  }
  await findInstall(system, sandbox.shape.accounting);
  const started = await startMissing(system, sandbox, running);
  return { sandbox, outcome: started === 0 ? 'already-up' : 'repaired' };
}

async function startAnew(
  system: System,
  place: Place,
  asked: AskedShape,
  shares: readonly string[],
  install: Install,
): Promise<Sandbox> {
  const shape = wholeShape(asked);
  const [isolation, visible, starter] = await Promise.all([
    probeIsolation(system),
    visibleDirectories(system, place, shares),
    processId(process.pid),
  ]);
  const hold = await holdPorts(shape.nodes, seedOf(place.dir));
  try {
    const sandbox: Sandbox = {
      version: 1,
      name: place.name,
      dir: place.dir,
      cluster: clusterName(place.dir),
      user: currentUser(),
      host: shortHostname(),
      shape,
      isolation,
      shares: isolation === 'none' ? [] : visible,
      ports: hold.ports,
      slurmVersion: install.version,
      createdAt: system.now().toISOString(),
      starter: starter ?? null,
    };
    await ensureDirectory(place.dir);
    await writeSandbox(sandbox);
    return await interruptible(
      async () => {
        await writeSandboxFiles(sandbox, install);
        await startMissing(system, sandbox, []);
        const complete = { ...sandbox, starter: null };
        await writeSandbox(complete);
        return complete;
      },
      () => discard(system, place),
    );
  } finally {
    await hold.release();
  }
}

/** Clears away what a start that failed, a crash or a reboot left; never the users' data. */
async function discard(system: System, place: Place): Promise<void> {
  await endProcesses(place.dir);
  await deleteFiles(system, place.dir, 'keep-unless-empty');
  if (place.own) await removeEmpty(dirname(place.dir));
}

/**
 * What the nodes see although it lies below their private directories: the sandbox itself, what was asked for,
 * and, as a cluster's home is shared, the user's home, where `up` was typed, and opsctl with its example trainer.
 */
async function visibleDirectories(
  system: System,
  place: Place,
  shares: readonly string[],
): Promise<string[]> {
  const asked = await Promise.all(shares.map((share) => existing(resolve(system.cwd, share), '--share')));
  const root = asked.find((share) => PRIVATE_DIRECTORIES.some((directory) => directory === share));
  if (root !== undefined) {
    throw new UsageError(
      `--share ${root}: every node has a ${root} of its own.`,
      `Share a directory below it, such as ${root}/data.`,
    );
  }
  const usual = await Promise.all(
    [system.cwd, home(system.env), packageRoot()].map((path) => realpath(path).catch(() => undefined)),
  );
  return neededShares([place.dir, ...asked, ...usual.filter((path) => path !== undefined)]);
}

async function existing(path: string, option: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw fileError(`${option}: cannot look at`, path, error);
  }
}

function seedOf(dir: string): number {
  return Number.parseInt(clusterName(dir).slice(-6), 16);
}
