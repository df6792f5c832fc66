import { EXIT, type ExitCode, OpsError, UsageError } from '../errors.ts';
import type { LoadedCheck } from '../health/catalogue.ts';
import type { Inputs } from '../health/compile.ts';
import type { Way } from '../health/nodes.ts';
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
  const [{ loadChecks, pickChecks }, { withLimits }, { preflight }, { report }] = await Promise.all([
    import('../health/catalogue.ts'),
    import('../health/limits.ts'),
    import('../health/preflight.ts'),
    import('./preflight-report.ts'),
  ]);
  const only = texts(args, 'only')
    .flatMap((word) => word.split(','))
    .filter((word) => word !== '');
  const all = await loadChecks(context.system);
  const asked = await ofRun(args, context);
  const place = await placeOf(args, context.system, asked.options);
  const limited = withLimits(all, asked.limits);
  // Of a run that nobody named nothing can be asked, and one node has nobody to speak with.
  const due = limited.filter(
    ({ about, inputs = [] }) =>
      about !== 'run' || (asked.named && (!inputs.includes('CHECK_PEERS') || place.nodes.length > 1)),
  );
  const checks = only.length > 0 ? pickChecks(limited, only) : due;
  refuseUnasked(checks, only, place.nodes);
  const verdicts = await preflight(context.system, { checks, ...asked, ...place });
  return report(verdicts, flag(args, 'nagios'), context);
}

interface OfRun {
  /** Whether a run was named at all. */
  readonly named: boolean;
  readonly inputs: Inputs;
  readonly environment: string;
  /** Of srun, for a short job of our own. */
  readonly options: readonly string[];
  readonly limits: Readonly<Record<string, string | number>>;
}

/** What the checks are told of the run, or of the profile where no run is named. */
async function ofRun(args: Arguments, context: Context): Promise<OfRun> {
  const { inputsOf, inputsOfProfile } = await import('../health/inputs.ts');
  const recipe = text(args, 'recipe');
  const phase = text(args, 'phase') ?? (recipe === undefined ? undefined : await phaseOf(recipe));
  const choice = {
    recipe,
    stage: text(args, 'stage'),
    trainer: text(args, 'trainer'),
    config: context.options.config,
    profile: context.options.profile,
  };
  if (phase === undefined) {
    if (choice.trainer !== undefined || texts(args, 'set').length > 0)
      throw new UsageError('what is to run? Give --recipe FILE or --phase PHASE');
    const { loadConfig } = await import('../config/load.ts');
    const { profile } = await loadConfig(context.system, choice);
    return {
      named: false,
      inputs: inputsOfProfile(profile),
      environment: '',
      options: [],
      limits: profile.limits,
    };
  }
  const [{ planInput }, { renderPart, valuesOf }] = await Promise.all([
    import('./run-template.ts'),
    import('../run/plan.ts'),
  ]);
  // Here --nodes names nodes; how many the run takes is the recipe's.
  const { nodes: _named, ...ofRecipe } = args;
  const input = await planInput(ofRecipe, context, { ...choice, phase });
  const values = valuesOf(input.parameters);
  const paths = input.template.parameters.filter(({ type }) => type === 'path').map(({ name }) => name);
  const options = ['partition', 'account', 'qos', 'reservation'].flatMap((name) =>
    values[name] ? [`--${name}=${values[name]}`] : [],
  );
  return {
    named: true,
    inputs: inputsOf(values, paths),
    environment: `RUN_DIR=/nonexistent\n${renderPart(input, 'node-environment')}`,
    options,
    limits: input.profile.limits,
  };
}

async function phaseOf(recipe: string): Promise<string> {
  const { loadRecipe } = await import('../config/recipe.ts');
  const { phase } = await loadRecipe(recipe);
  if (phase === undefined) throw new UsageError(`${recipe} names no phase`, 'Give --phase PHASE.');
  return String(phase.value);
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
