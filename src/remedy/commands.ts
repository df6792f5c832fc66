import type { Manifest } from '../run/manifest.ts';
import { formatDuration } from '../slurm/duration.ts';
import { compressHostlist, expandHostlist } from '../slurm/hostlist.ts';
import { shellWord } from '../template/quote.ts';
import { OWN_REASON } from './rails.ts';
import type { Act, ActionName, Blast, Step } from './step.ts';
import { changeText, typedFor, undoOfResubmit } from './typed.ts';

/** What an act is as a command, what it touches, and what takes it back. */
interface Worded {
  readonly command: readonly string[];
  readonly blast: Blast;
  readonly undo: string | null;
}

export interface Around {
  readonly run: Manifest | null;
  /** Why, in a few words without line breaks: part of a node's drain reason. */
  readonly cause: string;
  /** Nodes that are excluded at this moment, or will be when the act is done. */
  readonly excluded: readonly string[];
  /** What the job's own request excludes. */
  readonly jobExcludes: readonly string[];
  /** What it must have. */
  readonly jobRequires: readonly string[];
  /** The job waits in the queue. */
  readonly waits: boolean;
  /** The reason that is written on the node now; null where it was not seen. */
  readonly nodeReason: string | null;
}

/** One srun on each node in a short job of its own; the program comes on standard input. */
const SHORT_JOB = [
  'srun',
  '--job-name=opsctl-remedy',
  '--immediate=60',
  '--time=2',
  '--ntasks-per-node=1',
  '--no-kill',
];

/** Exactly what will be run for an act, and what a person types for it. Pure: what is printed is what runs. */
export function wordsFor(
  action: ActionName,
  act: Act,
  around: Around,
  id: string,
): Worded & Pick<Step, 'typed'> {
  const words = wordedFor(action, act, around, id);
  return { ...words, typed: typedFor(action, act, words.command, compressHostlist(act.nodes)) };
}

function wordedFor(action: ActionName, act: Act, around: Around, id: string): Worded {
  const { run, cause } = around;
  const job = act.jobId ?? '';
  const name = act.runId ?? job;
  const jobs = act.jobId === null ? [] : [act.jobId];
  const blast = (text: string, over: Partial<Blast> = {}): Blast => ({
    jobs,
    nodes: act.nodes,
    files: null,
    gpuHours: null,
    text,
    ...over,
  });
  const node = act.nodes[0] ?? '';
  const where = act.nodes.length === 0 ? '' : compressHostlist(act.nodes);
  switch (action) {
    case 'requeue':
      return {
        command: ['scontrol', 'requeue', job],
        blast: blast(
          run === null
            ? 'the job starts its script from the beginning; where that goes on from is its own affair'
            : 'the job starts again from its newest checkpoint; what came after that is computed anew',
          {
            gpuHours: run?.gpuHours ?? null,
          },
        ),
        undo: `opsctl cancel ${name}`,
      };
    case 'resubmit':
    case 'raise-limit':
      return {
        command: ['sbatch', '--parsable', ...excludeOption(around), run?.script ?? ''],
        blast: blast(resubmitText(act), { gpuHours: run?.gpuHours ?? null }),
        undo: undoOfResubmit(act, run, id),
      };
    case 'hold':
      return {
        command: ['scontrol', 'hold', job],
        blast: blast('the job keeps its place in the queue and does not start'),
        undo: `scontrol release ${job}`,
      };
    case 'release':
      return {
        command: ['scontrol', 'release', job],
        blast: blast('the job may start'),
        undo: `scontrol hold ${job}`,
      };
    case 'cancel':
      return {
        command: ['scancel', job],
        blast: around.waits
          ? blast('the job loses its place in the queue; it does not run, so no work is lost')
          : blast(
              `the job ends; what ${run === null ? 'it has not saved' : 'came after its newest checkpoint'} is lost`,
              { gpuHours: run?.gpuHours ?? null },
            ),
        undo: null,
      };
    case 'exclude-node':
      return {
        command:
          act.jobId === null
            ? ['opsctl', 'runbook', 'exclude', where, '--for', formatDuration(act.seconds), '--reason', cause]
            : ['scontrol', 'update', `JobId=${job}`, ...lists(act.nodes, around)],
        blast: blast(
          act.nodes.length === 0
            ? 'the job keeps away from the nodes that are excluded already'
            : `no job of yours starts on ${where} for ${formatDuration(act.seconds)}`,
        ),
        undo: act.nodes.length === 0 ? null : `opsctl runbook include ${where}`,
      };
    case 'drain-node':
      return {
        command: ['scontrol', 'update', `NodeName=${node}`, 'State=DRAIN', `Reason=${OWN_REASON} ${cause}`],
        blast: blast('nobody gets the node until it is resumed; jobs on it go on'),
        undo: `scontrol update NodeName=${node} State=RESUME`,
      };
    case 'resume-node':
      return {
        command: ['scontrol', 'update', `NodeName=${node}`, 'State=RESUME'],
        blast: blast('everybody may get the node again'),
        undo: `scontrol update NodeName=${node} State=DRAIN ${shellWord(`Reason=${around.nodeReason ?? `${OWN_REASON} set aside again`}`)}`,
      };
    case 'clear-nccl-shm':
      return {
        command: [
          ...SHORT_JOB,
          `--nodes=${act.nodes.length}`,
          `--ntasks=${act.nodes.length}`,
          `--nodelist=${where}`,
          ...['bash', '-s', '--', String(act.limit), 'delete'],
        ],
        blast: blast('files named nccl-* of yours in /dev/shm that no process has in use'),
        undo: null,
      };
    case 'prune-checkpoints':
      return {
        command: ['opsctl', 'prune', name, '--keep', String(act.limit), '--apply'],
        blast: blast(`all but the ${act.limit} newest checkpoints; never the best, the final or a link`),
        undo: null,
      };
    case 'collect-evidence':
      return {
        command: [
          ...['srun', `--jobid=${job}`, '--overlap', `--nodes=${act.nodes.length}`],
          ...[`--ntasks=${act.nodes.length}`, '--ntasks-per-node=1', `--nodelist=${where}`],
          ...['--no-kill', '--kill-on-bad-exit=0', 'bash', '-s'],
        ],
        blast: blast('reads only; the job goes on'),
        undo: null,
      };
  }
}

/** A node cannot be both: Slurm would refuse the job for ever. */
function lists(nodes: readonly string[], around: Around): string[] {
  const kept = around.jobRequires.filter((node) => !nodes.includes(node));
  const required = kept.length === around.jobRequires.length ? [] : [`ReqNodeList=${compressHostlist(kept)}`];
  return [...required, `ExcNodeList=${excludeList(around)}`];
}

function excludeList({ excluded, jobExcludes }: Around): string {
  return withExcluded(compressHostlist(jobExcludes), excluded) ?? '';
}

/** sbatch's option takes the place of the script's own line, so it names those nodes too. */
function excludeOption(around: Around): string[] {
  const own = around.run?.parameters.exclude?.value;
  const list = withExcluded(typeof own === 'string' ? own : null, around.excluded);
  return list === null || around.excluded.length === 0 ? [] : [`--exclude=${list}`];
}

function resubmitText({ change }: Act): string {
  const different = changeText(change);
  const aside = change.beforeStep === null ? '' : '; newer ones are set aside';
  return `the run is submitted again in its own directory${different === '' ? '' : `, ${different}${aside}`}`;
}

/** A hostlist with these nodes added to what it names already; null when both are empty. */
function withExcluded(hostlist: string | null, nodes: readonly string[]): string | null {
  if (nodes.length === 0) return hostlist;
  return compressHostlist([...expandHostlist(hostlist ?? ''), ...nodes]);
}
