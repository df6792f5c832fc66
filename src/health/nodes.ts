import { EXIT, OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import { showNodeStates } from '../slurm/sinfo.ts';
import type { System } from '../system/system.ts';
import { bundleCommand, type Heard, readBundles } from './bundle.ts';

/** How the nodes are reached: inside a job's allocation, or by a short job of our own with these options of srun. */
export type Way = { readonly jobId: string } | { readonly options: readonly string[] };

export interface NodesHeard extends Heard {
  /** Nodes that said nothing or could not be asked, and why. */
  readonly silent: ReadonlyMap<string, string>;
}

/** What srun and the start of a bundle take beside the probes, on a node that answers late. */
const SLACK_SECONDS = 30;
/** Seconds that a job of our own may wait for its nodes: who asks sits at a terminal. */
const IMMEDIATE_SECONDS = 10;
/** Enough to import torch with CUDA, little enough to fit beside other jobs. */
const MEMORY = '2G';
/** srun gives up a whole step when one node does not take its task; it says which, and is asked again without that one. */
const TRIES = 3;
const NOT_LAUNCHED = /Task launch for .* failed on node (\S+):/g;
const CAN_START = /^(?:idle|mixed|completing)$/;

/**
 * Nodes that a job cannot have now, and why: it would wait for one that is down or busy.
 * @throws OpsError 69 or 75 when Slurm is missing or does not answer.
 */
export async function unfitNodes(system: System, nodes: readonly string[]): Promise<Map<string, string>> {
  const states = await showNodeStates(system, compressHostlist(nodes));
  const byNode = new Map(states.map((one) => [one.node, one]));
  const unfit = new Map<string, string>();
  for (const node of nodes) {
    const found = byNode.get(node);
    if (found === undefined) unfit.set(node, 'Slurm has no such node');
    else if (!CAN_START.test(found.state))
      unfit.set(node, `is ${found.state}${found.reason === null ? '' : `: ${found.reason}`}`);
  }
  return unfit;
}

/**
 * Runs one bundle on each node, with one srun however many they are: the calls to Slurm do not grow with the nodes. Those
 * that were not heard because another node ended the step are asked again without that one.
 * @param seconds the longest time limit of a probe.
 * @throws OpsError 69 when Slurm is missing.
 */
export async function askNodes(
  system: System,
  nodes: readonly string[],
  way: Way,
  program: string,
  seconds: number,
): Promise<NodesHeard> {
  const silent = new Map<string, string>();
  // A person's defaults for srun are for other things.
  const own = Object.entries(system.env).filter(
    ([name]) => !/^(?:SRUN|SLURM)_/.test(name) || name === 'SLURM_CONF',
  );
  const { argv, env } = bundleCommand(program, Object.fromEntries(own));
  let stdout = '';
  let left = [...nodes];
  let said = '';
  for (let attempt = 0; attempt < TRIES && left.length > 0; attempt++) {
    const result = await system.exec([...srunCommand(left, way, seconds), ...argv], {
      timeoutMs: (seconds + SLACK_SECONDS + 10) * 1000,
      env,
    });
    if (result.missing || /failed to run command .srun/.test(result.stderr))
      throw new OpsError('Slurm is not installed here: "srun" was not found', { exitCode: EXIT.noSlurm });
    // What was printed up to a time limit is kept: other nodes have answered.
    stdout += result.stdout;
    said = result.stderr;
    const { finished } = readBundles(stdout);
    const lost = new Set([...said.matchAll(NOT_LAUNCHED)].map(([, node = '']) => node));
    for (const node of lost) silent.set(node, reasonFor(node, said));
    left = left.filter((node) => !finished.has(node) && !lost.has(node));
    // Nobody is named: asking again would end the same way.
    if (lost.size === 0) break;
  }
  const heard = readBundles(stdout);
  const spoke = new Set([...heard.answers.values()].flatMap((byNode) => [...byNode.keys()]));
  for (const node of nodes)
    if (!spoke.has(node) && !heard.unset.has(node) && !silent.has(node))
      silent.set(node, reasonFor(node, said));
  return { ...heard, silent };
}

function srunCommand(nodes: readonly string[], way: Way, seconds: number): string[] {
  const limit = seconds + SLACK_SECONDS;
  return [
    // TERM lets srun end its tasks and its job; KILL alone would leave them on the nodes.
    ...['timeout', '--kill-after=5', String(limit), 'srun'],
    ...('jobId' in way ? [`--jobid=${way.jobId}`, '--overlap'] : ofOurOwn(way.options, limit)),
    `--nodes=${nodes.length}`,
    `--ntasks=${nodes.length}`,
    `--nodelist=${compressHostlist(nodes)}`,
    '--ntasks-per-node=1',
    // One node that is lost or slow is its own verdict and ends no other.
    '--no-kill',
    '--kill-on-bad-exit=0',
    `--wait=${limit}`,
    // It has the bundle already.
    '--input=none',
  ];
}

/** A job that srun makes for its step and ends with it: no other call holds the nodes or gives them back. */
function ofOurOwn(options: readonly string[], limit: number): string[] {
  return [
    '--job-name=opsctl-preflight',
    `--immediate=${IMMEDIATE_SECONDS}`,
    `--time=${Math.ceil((limit + IMMEDIATE_SECONDS) / 60)}`,
    `--mem=${MEMORY}`,
    '--cpus-per-task=1',
    ...options,
  ];
}

/** What srun said of the node, or last of all. */
function reasonFor(node: string, stderr: string): string {
  const lines = stderr.split('\n');
  const refused = lines.find((line) => /Unable to allocate resources/.test(line));
  if (refused !== undefined) return `cannot be had: ${lastLine(refused)}`;
  const own = lines.find((line) => new RegExp(`\\b${node}\\b`).test(line) && /error/.test(line));
  const busy = lines.find((line) => /Requested nodes are busy|Immediate|invalid|not available/i.test(line));
  const said = lastLine(own ?? busy ?? stderr);
  return said === '' ? 'did not answer' : `did not answer: ${said}`;
}
