import { EXIT, type ExitCode, OpsError, UsageError } from '../errors.ts';
import type { LoadedCheck } from '../health/catalogue.ts';
import type { Way } from '../health/nodes.ts';
import { worstFirst } from '../health/verdict.ts';
import type { System } from '../system/system.ts';
import { type Arguments, type Command, type Context, flag, text, texts } from './command.ts';

export const preflightCommand: Command = {
  command: 'preflight',
  describe: 'Prove that a run can start: on this login node, on compute nodes, inside a job',
  examples: [
    ['$0 preflight', 'Slurm and your environment, from here'],
    ["$0 preflight --nodes 'gnode[01-04]' --recipe sft.yaml", 'What this run needs, on those nodes'],
    ['$0 preflight --job 4242 --only shm,limits', 'Two questions to the nodes of a running job'],
  ],
  options: (parser) =>
    parser
      .option('nodes', { type: 'string', requiresArg: true, describe: 'Compute nodes, as gnode[01-04,07]' })
      .option('job', {
        type: 'string',
        requiresArg: true,
        describe: 'The nodes of this running job, inside its allocation',
      })
      .option('recipe', {
        alias: 'r',
        type: 'string',
        requiresArg: true,
        describe: 'What this run needs: paths, data, quota',
      })
      .option('phase', { type: 'string', requiresArg: true, describe: 'Phase, where the recipe names none' })
      .option('stage', { type: 'string', requiresArg: true, describe: 'Stage of a phase that has several' })
      .option('trainer', { alias: 't', type: 'string', requiresArg: true, describe: 'Program that trains' })
      .option('set', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'One parameter, as key=value',
      })
      .option('only', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'These checks alone: ID,ID',
      })
      .option('nagios', { type: 'boolean', describe: 'One line in the form that Nagios reads' })
      .conflicts('nodes', 'job'),
  handler: async (args, context) => {
    if (!flag(args, 'nagios')) return run(args, context);
    // Any other exit code than 0 to 3 means critical to Nagios: what could not be asked is unknown.
    try {
      return await run(args, context);
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      const { nagiosHead } = await import('./preflight-report.ts');
      context.terminal.out(nagiosHead('unknown', error.message));
      return EXIT.unknown;
    }
  },
};

async function run(args: Arguments, context: Context): Promise<ExitCode> {
  const [health, { withLimits }, { askHere, longest }, { preflight }, { subjectOf }, { report }] =
    await Promise.all([
      import('../health/catalogue.ts'),
      import('../health/limits.ts'),
      import('../health/here.ts'),
      import('../health/preflight.ts'),
      import('./preflight-subject.ts'),
      import('./preflight-report.ts'),
    ]);
  const { system } = context;
  const only = texts(args, 'only')
    .flatMap((word) => word.split(','))
    .filter((word) => word !== '');
  const all = await health.loadChecks(system);
  const subject = await subjectOf(args, context);
  const place = await placeOf(args, system, subject.options);
  const limited = withLimits(all, subject.limits);
  const ofRun = await subject.askRun();
  const answered = new Set(ofRun.map(({ check }) => check));
  // Of a run that nobody named nothing can be asked, and one node has nobody to speak with.
  const due = limited.filter(
    ({ about, inputs = [] }) =>
      about !== 'run' || (subject.isRun && (!inputs.includes('CHECK_PEERS') || place.nodes.length > 1)),
  );
  const isKnown = (id: string) => limited.some((check) => check.id === id);
  const named = only.filter((id) => isKnown(id) || !answered.has(id));
  const checks = only.length === 0 ? due : health.pickChecks(limited, named);
  refuseUnasked(checks, only, place.nodes);
  // Of a run this machine has told what it can; the rest is asked where the run will be, or where somebody wants to know.
  const left = checks.filter(
    ({ id, scope }) => scope !== 'node' && (!subject.isRun || (only.includes(id) && !answered.has(id))),
  );
  if (left.some(({ tools = [] }) => tools.includes('scontrol'))) {
    const { requireSlurm } = await import('../slurm/scontrol-ping.ts');
    await requireSlurm(system);
  }
  // What lies outside of the cluster this machine tells as well where no run is named.
  const onNodes = checks.filter(
    ({ id, scope, outside }) => scope !== 'login' && (!outside || subject.isRun || only.includes(id)),
  );
  if (place.nodes.length > 0 && onNodes.length > 0 && !flag(args, 'nagios')) {
    const { compressHostlist } = await import('../slurm/hostlist.ts');
    // Up to their answers nothing else is said, and many nodes are a wait.
    context.terminal.note(
      `asking ${compressHostlist(place.nodes)}; a probe has ${longest(onNodes)} s at most`,
    );
  }
  const [here, there] = await Promise.all([
    askHere(system, left, subject.inputs, subject.environment),
    preflight(system, { ...subject, ...place, checks: onNodes }),
  ]);
  const chosen = only.length === 0 ? ofRun : ofRun.filter(({ check }) => only.includes(check));
  const verdicts = [...chosen, ...here, ...there].sort(worstFirst);
  if (subject.isRun && only.length === 0 && place.nodes.length === 0)
    context.terminal.note('no node was asked: give --nodes LIST or --job JOB');
  const unasked = checks.filter((check) => check.scope !== 'login' && !onNodes.includes(check));
  if (place.nodes.length > 0 && unasked.length > 0 && !flag(args, 'nagios')) {
    const ids = unasked.map(({ id }) => id).join(', ');
    context.terminal.note(`not asked on the nodes: ${ids}; with --recipe or --only they are`);
  }
  return report(verdicts, flag(args, 'nagios'), context);
}

async function placeOf(
  args: Arguments,
  system: System,
  options: readonly string[],
): Promise<{ nodes: readonly string[]; way: Way }> {
  const { expandHostlist } = await import('../slurm/hostlist.ts');
  const list = text(args, 'nodes');
  const job = text(args, 'job');
  if (list !== undefined) {
    const nodes = [...new Set(expandHostlist(list))];
    if (nodes.length === 0) throw new UsageError('--nodes names no node');
    return { nodes, way: { options } };
  }
  if (job === undefined) return { nodes: [], way: { options } };
  const [{ findTarget }, { isOfRun }, { squeue }] = await Promise.all([
    import('../run/target.ts'),
    import('../run/state.ts'),
    import('../slurm/squeue.ts'),
  ]);
  const target = await findTarget(system, job);
  const jobId = target.kind === 'job' ? target.jobId : target.manifest.jobId;
  const jobs = jobId === null ? [] : await squeue(system, { jobIds: [jobId] });
  const found = jobs.find((each) => target.kind === 'job' || isOfRun(each, target.manifest));
  if (jobId === null || found?.state.phase !== 'running')
    throw new UsageError(`job ${job} is not running, so it has no nodes`, 'Give --nodes LIST.');
  return { nodes: expandHostlist(found.nodes), way: { jobId } };
}

/** A check that was named and would not run must not look as if all were well. */
function refuseUnasked(
  checks: readonly LoadedCheck[],
  only: readonly string[],
  nodes: readonly string[],
): void {
  if (nodes.length > 0) return;
  const unasked = checks.filter(({ id, scope }) => scope === 'node' && only.includes(id)).map(({ id }) => id);
  if (unasked.length > 0)
    throw new UsageError(
      `${unasked.join(', ')}: asked on compute nodes only`,
      'Give --nodes LIST or --job JOB.',
    );
}
