import { readlink } from 'node:fs/promises';
import { OpsError, UsageError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { ask } from './client.ts';
import { daemonsAmong, type ProcessFacts } from './evidence.ts';
import type { Act, Injection, Target } from './injections.ts';
import type { Place } from './place.ts';
import { readProcesses } from './processes.ts';
import { layout, readSandbox, refuseElsewhere, type Sandbox } from './sandbox.ts';
import { nodeNames } from './shape.ts';

const SCRIPT_LIMIT_MS = 20_000;

/** Does it, or takes it back, to a node of the sandbox at a place. */
export async function injectInto(
  system: System,
  place: Place,
  asked: { readonly injection: Injection; readonly node: string; readonly undo: boolean },
): Promise<void> {
  const found = await readSandbox(place.dir);
  if (found.kind !== 'sandbox' || found.sandbox.starter !== null) {
    throw new OpsError(`sandbox "${place.name}" is not up (${place.dir})`, { hint: 'opsctl sandbox up' });
  }
  refuseElsewhere(found.sandbox);
  const { injection, node, undo } = asked;
  const act = undo ? injection.undo : injection.act;
  if (act === null) {
    throw new UsageError(
      `${injection.name} cannot be taken back: what ended has ended.`,
      `For a new node: opsctl sandbox inject node-dead --node ${node}; opsctl sandbox up`,
    );
  }
  await inject(system, found.sandbox, node, act);
}

/**
 * Does a fault to a node, or takes it back.
 * @throws UsageError for a node that is none of the sandbox's, OpsError when it cannot be done here.
 */
export async function inject(system: System, sandbox: Sandbox, node: string, act: Act): Promise<void> {
  const nodes = nodeNames(sandbox.shape.nodes);
  if (!nodes.includes(node)) {
    throw new UsageError(
      `--node ${JSON.stringify(node)} is no node of sandbox "${sandbox.name}".`,
      `Its nodes: ${nodes.join(' ')}`,
    );
  }
  switch (act.kind) {
    case 'script':
      return runOnNode(system, sandbox, node, act.text);
    case 'scontrol':
      return tellSlurm(
        system,
        sandbox,
        act.words.map((word) => word.replace('NODE', node)),
      );
    case 'limit':
      return limitFiles(system, sandbox, node, act.openFiles);
    case 'signal':
      return sendSignal(sandbox, node, act.signal, act.to);
  }
}

/** Runs a script of sh where the node's processes run: with the node's /dev/shm, /tmp and mounts. */
export async function runOnNode(
  system: System,
  sandbox: Sandbox,
  node: string,
  script: string,
): Promise<void> {
  if (sandbox.isolation === 'none') {
    throw new OpsError(
      'the nodes of this sandbox share /dev/shm and /tmp with the machine, so nothing was done',
      {
        hint: 'This machine forbids namespaces; try it as root.',
      },
    );
  }
  const user = sandbox.isolation === 'user-namespace' ? ['--user', '--preserve-credentials'] : [];
  const target = String(await slurmdOf(sandbox, node));
  const argv = ['nsenter', '--target', target, ...user, '--mount', 'sh', '-euc', script];
  const { code, stderr } = await system.exec(argv, { env: system.env, timeoutMs: SCRIPT_LIMIT_MS });
  if (code !== 0)
    throw new OpsError(`on ${node} it could not be done: ${stderr.trim() || `exit code ${code}`}`);
}

async function tellSlurm(system: System, sandbox: Sandbox, words: readonly string[]): Promise<void> {
  const answer = await ask(system, sandbox, ['scontrol', ...words]);
  if (!answer?.ok) throw new OpsError(`scontrol ${words.join(' ')}: ${answer?.stderr.trim() || 'no answer'}`);
}

/** What slurmd may open, its jobs may: srun passes on the soft limit alone. */
async function limitFiles(system: System, sandbox: Sandbox, node: string, openFiles: number): Promise<void> {
  const pid = String(await slurmdOf(sandbox, node));
  const argv = ['prlimit', '--pid', pid, `--nofile=${openFiles}:${openFiles}`];
  const { code, stderr } = await system.exec(argv, { env: system.env });
  if (code !== 0) throw new OpsError(`the limit of ${node}'s slurmd could not be set: ${stderr.trim()}`);
}

async function sendSignal(sandbox: Sandbox, node: string, signal: NodeJS.Signals, to: Target): Promise<void> {
  const all = (await readProcesses()).filter(({ zombie }) => !zombie);
  const targets =
    sandbox.isolation === 'none'
      ? all.filter((one) => isOn(sandbox, node, one))
      : await inside(sandbox, node, all);
  const chosen = to === 'node' ? targets : targets.filter(isRank).slice(-1);
  if (chosen.length === 0) {
    throw new OpsError(
      to === 'node' ? `nothing runs on ${node}` : `no rank of a training runs on ${node}`,
      to === 'node' ? {} : { hint: 'Submit a run first, and wait for its first step.' },
    );
  }
  // A node's processes end at one moment: a daemon that lives on would tell of the others' end.
  if (chosen.length > 1) for (const { pid } of chosen) process.kill(pid, 'SIGSTOP');
  for (const { pid } of chosen) process.kill(pid, signal);
}

/** Everything that sees the node's own file systems: what slurmd has started, and slurmd. */
async function inside(sandbox: Sandbox, node: string, all: readonly ProcessFacts[]): Promise<ProcessFacts[]> {
  const spaceOf = (pid: number) => readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
  const own = await spaceOf(await slurmdOf(sandbox, node));
  const spaces = await Promise.all(all.map(({ pid }) => spaceOf(pid)));
  return all.filter((_one, index) => own !== undefined && spaces[index] === own);
}

/** Where nodes have no file systems of their own: slurmd, or what slurmd says of itself to those it starts. */
function isOn(sandbox: Sandbox, node: string, one: ProcessFacts): boolean {
  if (daemonsAmong(sandbox.dir, [one]).some((daemon) => daemon.node === node)) return true;
  const { environment, argv } = one;
  if (environment.get('SLURM_CONF') !== layout(sandbox.dir).slurmConf) return false;
  return environment.get('SLURMD_NODENAME') === node || argv[0]?.includes(`-${node}`) === true;
}

/** torchrun gives each of its processes a rank; those that a rank starts inherit it, and come after it. */
function isRank({ environment, argv }: ProcessFacts): boolean {
  return environment.has('LOCAL_RANK') && argv.some((word) => word.endsWith('train.py'));
}

async function slurmdOf(sandbox: Sandbox, node: string): Promise<number> {
  const daemons = daemonsAmong(sandbox.dir, await readProcesses());
  const slurmd = daemons.find((daemon) => daemon.node === node);
  if (slurmd !== undefined) return slurmd.pid;
  throw new OpsError(`${node} is dead: no slurmd runs there`, { hint: 'opsctl sandbox up starts it again.' });
}
