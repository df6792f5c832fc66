import { EXIT, OpsError } from '../errors.ts';
import { lastLine, slurm } from '../slurm/command.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import { showNodeStates } from '../slurm/sinfo.ts';
import type { System } from '../system/system.ts';
import { type Heard, readBundles } from './bundle.ts';

/** How the nodes are reached: inside a job's allocation, or by a short job of our own with these options of srun. */
export type Way = { readonly jobId: string } | { readonly options: readonly string[] };

export interface NodesHeard extends Heard {
  /** Nodes that said nothing or could not be asked, and why. */
  readonly silent: ReadonlyMap<string, string>;
}

/** Seconds that a short job may wait for its nodes: who asks sits at a terminal. */
const IMMEDIATE_SECONDS = 10;
/** What srun and the start of a bundle take beside the probes, on a node that answers late. */
const SLACK_SECONDS = 30;
/** Enough to compile a C++ file, little enough to fit beside other jobs. */
const MEMORY = '500M';
const CAN_START = /^(?:idle|mixed|completing)$/;

/**
 * Runs one bundle on each node, with one srun however many they are. A node that is down or busy is not waited for.
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
  const answer = await slurm(system, srunCommand(asked, way, seconds), {
    input: program,
    timeoutMs: (seconds + SLACK_SECONDS + IMMEDIATE_SECONDS) * 1000,
    // A person's defaults for srun are for other things.
    env: Object.fromEntries(
      Object.keys(system.env)
        .filter((name) => /^(?:SRUN|SLURM)_/.test(name) && name !== 'SLURM_CONF')
        .map((name) => [name, undefined]),
    ),
  });
  const heard = readBundles(answer.stdout);
  const spoke = new Set([...heard.answers.values()].flatMap((byNode) => [...byNode.keys()]));
  for (const node of asked)
    if (!spoke.has(node) && !heard.unset.has(node)) silent.set(node, reasonFor(node, answer.stderr));
  return { ...heard, silent };
}

function srunCommand(nodes: readonly string[], way: Way, seconds: number): string[] {
  const where =
    'jobId' in way
      ? [`--jobid=${way.jobId}`, '--overlap']
      : [
          `--immediate=${IMMEDIATE_SECONDS}`,
          `--time=${Math.ceil((seconds + SLACK_SECONDS) / 60)}`,
          `--mem=${MEMORY}`,
          '--cpus-per-task=1',
          ...way.options,
        ];
  return [
    'srun',
    '--job-name=opsctl-preflight',
    ...where,
    `--nodes=${nodes.length}`,
    `--nodelist=${compressHostlist(nodes)}`,
    '--ntasks-per-node=1',
    // One node that is lost or slow is its own verdict and ends no other.
    '--no-kill',
    '--kill-on-bad-exit=0',
    `--wait=${seconds + SLACK_SECONDS}`,
    'bash',
    '-s',
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

/** Runs the same on this machine. */
export async function askHere(system: System, program: string, seconds: number): Promise<Heard> {
  const result = await system.exec(['bash', '-s'], {
    input: program,
    env: system.env,
    timeoutMs: (seconds + SLACK_SECONDS) * 1000,
  });
  if (result.missing) throw new OpsError('bash was not found here', { exitCode: EXIT.unknown });
  return readBundles(result.stdout);
}
