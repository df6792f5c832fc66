import { UsageError } from '../errors.ts';
import type { Inputs } from '../health/compile.ts';
import type { Limits } from '../health/limits.ts';
import type { Verdict } from '../health/verdict.ts';
import { type Arguments, type Context, text, texts } from './command.ts';
import type { RunChoice } from './run-options.ts';

/** What the checks are about: a run that somebody named, or the cluster as the profile knows it. */
export interface Subject {
  readonly isRun: boolean;
  readonly inputs: Inputs;
  /** Bash text that sets the scene, as the run's job does it. */
  readonly environment: string;
  /** Of srun, for a short job of our own. */
  readonly options: readonly string[];
  readonly limits: Limits;
  /** What the login node tells of the run: as `submit` does, by the same function. Without a run nothing. */
  readonly askRun: () => Promise<readonly Verdict[]>;
}

/** Where the job's lines stand in a step of our own; a job of which we are inside says its own. */
const IN_PLACE_OF_JOB = `RUN_DIR=/nonexistent
export SLURMD_NODENAME=$node SLURM_JOB_ID=\${SLURM_JOB_ID:-0} SLURM_NODEID=\${SLURM_NODEID:-0}
`;

/** @throws UsageError when the run is not whole, with everything that the user has to change. */
export async function subjectOf(args: Arguments, context: Context): Promise<Subject> {
  const recipe = text(args, 'recipe');
  const phase = text(args, 'phase') ?? (recipe === undefined ? undefined : await phaseOf(recipe));
  const choice = {
    recipe,
    stage: text(args, 'stage'),
    trainer: text(args, 'trainer'),
    config: context.options.config,
    profile: context.options.profile,
  };
  if (phase !== undefined) return ofRun(args, context, { ...choice, phase });
  if (choice.trainer !== undefined || texts(args, 'set').length > 0)
    throw new UsageError('what is to run? Give --recipe FILE or --phase PHASE');
  const [{ loadConfig }, { inputsOfProfile }] = await Promise.all([
    import('../config/load.ts'),
    import('../health/inputs.ts'),
  ]);
  const { profile } = await loadConfig(context.system, choice);
  const inputs = { ...inputsOfProfile(profile), ...(await bootId()) };
  const askRun = () => Promise.resolve([]);
  return { isRun: false, inputs, environment: '', options: [], limits: profile.limits, askRun };
}

async function ofRun(args: Arguments, context: Context, choice: RunChoice): Promise<Subject> {
  const [{ planInput }, { planRun, renderPart, valuesOf }, { limitsOf }, { inputsOf }] = await Promise.all([
    import('./run-template.ts'),
    import('../run/plan.ts'),
    import('../run/gate-checks.ts'),
    import('../health/inputs.ts'),
  ]);
  // Here --nodes names nodes; how many the run takes is the recipe's.
  const { nodes: _named, ...ofRecipe } = args;
  const input = await planInput(ofRecipe, context, choice);
  const plan = planRun(input);
  const values = valuesOf(plan.parameters);
  const paths = input.template.parameters.filter(({ type }) => type === 'path').map(({ name }) => name);
  return {
    isRun: true,
    inputs: { ...inputsOf(values, paths), ...(await bootId()) },
    environment: `${IN_PLACE_OF_JOB}${renderPart(input, 'node-environment')}`,
    options: ['partition', 'account', 'qos', 'reservation'].flatMap((name) =>
      values[name] ? [`--${name}=${values[name]}`] : [],
    ),
    limits: limitsOf(input.template, input.profile),
    askRun: async () => {
      const { getReady } = await import('../run/ready.ts');
      const request = { ...input, again: false, preflight: true, sbatchOptions: [] };
      return (await getReady(context.system, plan, request)).verdicts;
    },
  };
}

/** By which a node of a cluster in one machine knows that it is on the same; empty where the kernel tells none. */
async function bootId(): Promise<Inputs> {
  const { readIfThere } = await import('../system/files.ts');
  const id = await readIfThere('/proc/sys/kernel/random/boot_id');
  return id === undefined ? {} : { CHECK_BOOT_ID: id.trim() };
}

async function phaseOf(recipe: string): Promise<string> {
  const { loadRecipe } = await import('../config/recipe.ts');
  const { phase } = await loadRecipe(recipe);
  if (phase === undefined) throw new UsageError(`${recipe} names no phase`, 'Give --phase PHASE.');
  return String(phase.value);
}
