import { appendFileSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Exec, ExecOptions, ExecResult } from '../../src/system/exec.ts';

/**
 * A Slurm that keeps its state in one file of events, one line each: what happened is never in doubt, also when the
 * process that caused it is killed. Its answers have the form of Slurm 22.05's. Only what remedy asks is there.
 */
export interface Event {
  readonly kind:
    | 'submit'
    | 'requeue'
    | 'hold'
    | 'release'
    | 'cancel'
    | 'exclude'
    | 'node'
    | 'fail'
    | 'start'
    | 'evidence';
  readonly jobId?: string;
  readonly name?: string;
  readonly nodes?: string;
  readonly node?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly options?: readonly string[];
  /** Of the step that caused it. */
  readonly step?: string | undefined;
}

export interface StandInJob {
  jobId: string;
  name: string;
  state: string;
  reason: string;
  restarts: number;
  excluded: string;
  nodes: string;
}

export interface StandIn {
  readonly exec: Exec;
  readonly happens: (event: Event) => void;
  readonly events: () => Event[];
  readonly jobs: () => StandInJob[];
  readonly nodes: () => Map<string, { state: string; reason: string }>;
}

const RECORD = '\u001e';
const SEPARATOR = '\u001f';
/** Seconds since 1970 at which every attempt has started and ended. */
const START = 1_795_500_000;

/** @param shm a directory that stands for the nodes' /dev/shm. */
export function standIn(file: string, shm: string): StandIn {
  const events = (): Event[] =>
    read(file)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
  const happens = (event: Event): void => appendFileSync(file, `${JSON.stringify(event)}\n`);
  const jobs = () => fold(events()).jobs;
  const nodes = () => fold(events()).nodes;
  const exec: Exec = async (argv, options = {}) => {
    const step = options.env?.OPSCTL_STEP;
    const said = answer(argv, options, { happens: (event) => happens({ ...event, step }), jobs, nodes, shm });
    return { argv, code: 0, stdout: '', stderr: '', timedOut: false, missing: false, ...said };
  };
  return { exec, happens, events, jobs, nodes };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function fold(events: readonly Event[]) {
  const jobs = new Map<string, StandInJob>();
  const nodes = new Map(
    ['gnode01', 'gnode02', 'gnode03'].map((node) => [node, { state: 'idle', reason: 'none' }]),
  );
  for (const event of events) {
    const job = jobs.get(event.jobId ?? '');
    if (event.kind === 'submit')
      jobs.set(event.jobId ?? '', {
        jobId: event.jobId ?? '',
        name: event.name ?? '',
        state: 'PENDING',
        reason: 'Priority',
        restarts: 0,
        excluded: '',
        nodes: '',
      });
    if (event.kind === 'node')
      nodes.set(event.node ?? '', { state: event.state ?? '', reason: event.reason ?? '' });
    if (!job) continue;
    if (event.kind === 'start') Object.assign(job, { state: 'RUNNING', reason: 'None', nodes: event.nodes });
    if (event.kind === 'fail') Object.assign(job, { state: 'FAILED', reason: 'NonZeroExitCode' });
    if (event.kind === 'requeue')
      Object.assign(job, { state: 'PENDING', reason: 'BeginTime', restarts: job.restarts + 1, nodes: '' });
    if (event.kind === 'hold') job.reason = 'JobHeldUser';
    if (event.kind === 'release') job.reason = 'Priority';
    if (event.kind === 'cancel') Object.assign(job, { state: 'CANCELLED', reason: 'None' });
    if (event.kind === 'exclude') job.excluded = event.nodes ?? '';
  }
  return { jobs: [...jobs.values()], nodes };
}

interface World extends Pick<StandIn, 'happens' | 'jobs' | 'nodes'> {
  readonly shm: string;
}

function answer(argv: readonly string[], options: ExecOptions, world: World): Partial<ExecResult> {
  const [program = '', word = ''] = argv;
  const line = argv.join(' ');
  if (program === 'squeue') return { stdout: squeue(argv, world) };
  if (program === 'sacct') return { code: 1, stderr: 'Slurm accounting storage is disabled\n' };
  if (program === 'sinfo') {
    const rows = [...world.nodes()].map(
      ([node, { state, reason }]) => `${node}|${state}|root|2026-11-25T08:00:00|${reason}`,
    );
    return { stdout: `${rows.join('\n')}\n` };
  }
  if (line.startsWith('scontrol show job ')) return showJob(argv[3] ?? '', world);
  if (program === 'sbatch') return sbatch(argv, world);
  if (program === 'timeout') return srun(argv, options, world);
  const jobId = argv.find((each) => /^\d+$/.test(each)) ?? /JobId=(\d+)/.exec(line)?.[1] ?? '';
  const job = world.jobs().find((each) => each.jobId === jobId);
  if (program === 'scancel') {
    if (job && ['PENDING', 'RUNNING'].includes(job.state)) world.happens({ kind: 'cancel', jobId });
    return {};
  }
  if (program === 'scontrol' && word === 'requeue') {
    if (!job || job.state === 'PENDING') return { code: 1, stderr: 'Job is pending execution\n' };
    world.happens({ kind: 'requeue', jobId });
    // As the real one does now and then: it has acted, and says that it has not.
    return { code: 1, stderr: 'slurm_requeue error: Unexpected message received\n' };
  }
  if (program === 'scontrol' && (word === 'hold' || word === 'release')) {
    world.happens({ kind: word, jobId });
    return {};
  }
  const excluded = /ExcNodeList=(\S+)/.exec(line)?.[1];
  if (excluded !== undefined) {
    if (job?.state !== 'PENDING') return { code: 1, stderr: 'Job is no longer pending execution\n' };
    world.happens({ kind: 'exclude', jobId, nodes: excluded });
    return {};
  }
  const node = /NodeName=(\S+) State=(DRAIN|RESUME)(?: Reason=(.*))?/.exec(line);
  if (node) {
    const state = node[2] === 'DRAIN' ? 'drained' : 'idle';
    world.happens({ kind: 'node', node: node[1] ?? '', state, reason: node[3] ?? 'none' });
    return {};
  }
  // The syntax of a check, which is asked of the real bash where the build has not read it.
  if (line === 'bash -n') return {};
  throw new Error(`the stand-in does not know: ${line}`);
}

function squeue(argv: readonly string[], world: World): string {
  const ids = argv
    .find((word) => word.startsWith('--jobs='))
    ?.slice('--jobs='.length)
    .split(',');
  const names = argv
    .find((word) => word.startsWith('--name='))
    ?.slice('--name='.length)
    .split(',');
  const user = userInfo().username;
  return world
    .jobs()
    .filter(({ jobId, name }) => (ids ? ids.includes(jobId) : true) && (names ? names.includes(name) : true))
    .map((job) => {
      const ended = ['FAILED', 'CANCELLED'].includes(job.state);
      const fields = [
        job.jobId,
        job.jobId,
        job.state,
        job.reason,
        user,
        'gpu',
        '2',
        job.nodes,
        '10:00',
        '1:00:00',
        String(START - 60),
        String(START),
        ended ? String(START + 600) : 'N/A',
        `opsctl:${job.name}`,
        job.name,
      ];
      return `${RECORD}${fields.join(SEPARATOR)}\n`;
    })
    .join('');
}

function showJob(jobId: string, world: World): Partial<ExecResult> {
  const job = world.jobs().find((each) => each.jobId === jobId);
  if (!job) return { code: 1, stderr: 'slurm_load_jobs error: Invalid job id specified\n' };
  return {
    stdout: `JobId=${jobId} JobName=${job.name}
   UserId=${userInfo().username}(0) GroupId=root(0) MCS_label=N/A
   Requeue=1 Restarts=${job.restarts} BatchFlag=1 Reboot=0 ExitCode=0:0
   ReqNodeList=(null) ExcNodeList=${job.excluded || '(null)'}
   WorkDir=/
   StdOut=/dev/null
`,
  };
}

function sbatch(argv: readonly string[], world: World): Partial<ExecResult> {
  const script = readFileSync(argv.at(-1) ?? '', 'utf8');
  const name = /^#SBATCH --job-name=(.*)$/m.exec(script)?.[1] ?? 'job';
  const jobId = String(13 + world.jobs().length);
  world.happens({ kind: 'submit', jobId, name, options: argv.slice(2, -1) });
  return { stdout: `${jobId}\n` };
}

/** What the programs on the nodes would say. */
function srun(argv: readonly string[], options: ExecOptions, { shm, happens }: World): Partial<ExecResult> {
  if (options.input?.includes('nvidia-smi')) {
    happens({ kind: 'evidence' });
    return { stdout: '== node gnode01\n== end of gnode01\n' };
  }
  const all = readdirSync(shm).filter((name) => name.startsWith('nccl-'));
  const names = all.filter((name) => !name.startsWith('nccl-young'));
  const kept = all.filter((name) => !names.includes(name)).map((name) => `keep ${name} too young\n`);
  const tasks = Number(/--ntasks=(\d+)/.exec(argv.join(' '))?.[1]);
  const end = 'end\n'.repeat(tasks);
  const said = (verdict: string): Partial<ExecResult> => ({
    stdout: [...names.map((name) => `${verdict} ${name}\n`), ...kept, end].join(''),
  });
  if (argv.at(-1) === 'list') return said('free');
  for (const name of names) unlinkSync(join(shm, name));
  return said('gone');
}
