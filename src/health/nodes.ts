import { EXIT, OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import { allocate, release } from '../slurm/salloc.ts';
import { showNodeStates } from '../slurm/sinfo.ts';
import type { System } from '../system/system.ts';
import { BUNDLE_SHELL, type Heard, readBundles } from './bundle.ts';

/** How the nodes are reached: inside a job's allocation, or by a short job of our own with these options of salloc. */
export type Way = { readonly jobId: string } | { readonly options: readonly string[] };

export interface NodesHeard extends Heard {
  /** Nodes that said nothing or could not be asked, and why. */
  readonly silent: ReadonlyMap<string, string>;
}

/** What srun and the start of a bundle take beside the probes, on a node that answers late. */
const SLACK_SECONDS = 30;
/** srun gives up a whole step when one node does not take its task; it says which, and is asked again without that one. */
const TRIES = 3;
const NOT_LAUNCHED = /Task launch for .* failed on node (\S+):/g;
const CAN_START = /^(?:idle|mixed|completing)$/;

/**
 * Runs one bundle on each node, with one srun however many they are: the calls to Slurm do not grow with the nodes. A node that is down or busy is not waited for.
 * @param seconds the longest time limit of a probe.
 * @throws OpsError 69 or 75 when Slurm is missing or does not answer.
 */
export async function askNodes(
  system: System,
  nodes: readonly string[],
  way: Way,
  program: string,
  seconds: number,
): Promise<NodesHeard> {
  const silent = new Map<string, string>();
  if ('options' in way) {
    const states = new Map(
      (await showNodeStates(system, compressHostlist(nodes))).map((one) => [one.node, one]),
    );
    for (const node of nodes) {
      const found = states.get(node);
      if (found === undefined) silent.set(node, 'Slurm has no such node');
      else if (!CAN_START.test(found.state))
        silent.set(node, `is ${found.state}${found.reason === null ? '' : `: ${found.reason}`}`);
    }
  }
  const asked = nodes.filter((node) => !silent.has(node));
  if (asked.length === 0) return { answers: new Map(), finished: new Set(), unset: new Set(), silent };
  if ('jobId' in way) return askInJob(system, way.jobId, asked, silent, program, seconds);
  const limit = TRIES * (seconds + SLACK_SECONDS);
  const held = await allocate(system, { nodes: asked, options: way.options, seconds: limit });
  if ('refused' in held) {
    for (const node of asked) silent.set(node, `cannot be had: ${held.refused}`);
    return { answers: new Map(), finished: new Set(), unset: new Set(), silent };
  }
  try {
    return await askInJob(system, held.jobId, asked, silent, program, seconds);
  } finally {
    await release(system, held.jobId);
  }
}

/** Those that were not heard because another node ended the step are asked again without that one. */
async function askInJob(
  system: System,
  jobId: string,
  asked: readonly string[],
  known: ReadonlyMap<string, string>,
  program: string,
  seconds: number,
): Promise<NodesHeard> {
  const silent = new Map(known);
  let stdout = '';
  let left = [...asked];
  let said = '';
  for (let attempt = 0; attempt < TRIES && left.length > 0; attempt++) {
    const result = await system.exec(srunCommand(left, jobId, seconds), {
      input: program,
      timeoutMs: (seconds + SLACK_SECONDS + 10) * 1000,
      // A person's defaults for srun are for other things.
      env: Object.fromEntries(
        Object.entries(system.env).filter(
          ([name]) => !/^(?:SRUN|SLURM)_/.test(name) || name === 'SLURM_CONF',
        ),
      ),
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
  for (const node of asked)
    if (!spoke.has(node) && !heard.unset.has(node) && !silent.has(node))
      silent.set(node, reasonFor(node, said));
  return { ...heard, silent };
}

function srunCommand(nodes: readonly string[], jobId: string, seconds: number): string[] {
  return [
    // TERM lets srun end its tasks; KILL alone would leave them on the nodes.
    ...['timeout', '--kill-after=5', String(seconds + SLACK_SECONDS)],
    ...['srun', `--jobid=${jobId}`, '--overlap'],
    `--nodes=${nodes.length}`,
    `--ntasks=${nodes.length}`,
    `--nodelist=${compressHostlist(nodes)}`,
    '--ntasks-per-node=1',
    // One node that is lost or slow is its own verdict and ends no other.
    '--no-kill',
    '--kill-on-bad-exit=0',
    `--wait=${seconds + SLACK_SECONDS}`,
    ...BUNDLE_SHELL,
  ];
}

/** What srun said of the node, or last of all. */
function reasonFor(node: string, stderr: string): string {
  const lines = stderr.split('\n');
  const own = lines.find((line) => new RegExp(`\\b${node}\\b`).test(line) && /error/.test(line));
  const busy = lines.find((line) =>
    /Requested nodes are busy|Unable to allocate|Immediate|invalid|not available/i.test(line),
  );
  const said = lastLine(own ?? busy ?? stderr);
  return said === '' ? 'did not answer' : `did not answer: ${said}`;
}
