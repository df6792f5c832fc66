import type { LoadedConfig } from '../config/load.ts';
import type { Recipe } from '../config/recipe.ts';
import { UsageError } from '../errors.ts';
import { inputFrom } from '../run/input.ts';
import type { PlanInput } from '../run/plan.ts';
import { listStages, listTrainers, loadTemplate, type Template } from '../template/load.ts';
import type { Given } from '../template/parameter.ts';
import { type Layer, parseSettings } from '../template/resolve.ts';
import { type Arguments, type Context, texts } from './command.ts';
import { flagValues, type RunChoice } from './run-options.ts';

export interface Chosen {
  readonly config: LoadedConfig;
  readonly recipe: Recipe | undefined;
  readonly template: Template;
}

/** The builder of the options and the handler need the same answer: the files are read once a command line. */
const chosen = new WeakMap<readonly string[], Promise<Chosen>>();

/** Configuration, recipe and template of a command line. With no trainer named, what all trainers have in common. */
export function chooseTemplate(
  context: Pick<Context, 'system' | 'argv'>,
  choice: RunChoice,
): Promise<Chosen> {
  const known = chosen.get(context.argv);
  if (known) return known;
  const choosing = choose(context, choice);
  chosen.set(context.argv, choosing);
  return choosing;
}

async function choose({ system }: Pick<Context, 'system'>, choice: RunChoice): Promise<Chosen> {
  const { loadConfig } = await import('../config/load.ts');
  const config = await loadConfig(system, choice);
  const recipe = choice.recipe === undefined ? undefined : await readRecipe(choice.recipe);
  if (recipe?.phase && recipe.phase.value !== choice.phase) {
    throw new UsageError(
      `${recipe.phase.where}: the recipe is for the phase ${recipe.phase.value}, not for ${choice.phase}`,
    );
  }
  const trainer =
    choice.trainer ??
    recipe?.trainer?.value ??
    config.phases[choice.phase]?.trainer?.value ??
    config.defaults.trainer?.value;
  const stage = choice.stage ?? recipe?.stage?.value;
  const template = await loadTemplate(
    system.env,
    choice.phase,
    trainer ? String(trainer) : undefined,
    stage ? String(stage) : undefined,
  );
  return { config, recipe, template };
}

async function readRecipe(path: string): Promise<Recipe> {
  const { loadRecipe } = await import('../config/recipe.ts');
  return loadRecipe(path);
}

/**
 * Everything that a plan needs, from a command line.
 * @throws UsageError with everything that the user has to change.
 */
export async function planInput(args: Arguments, context: Context, choice: RunChoice): Promise<PlanInput> {
  return planWith(parseSettings(texts(args, 'set')), args, context, choice);
}

/** As planInput, with these settings in the place of --set. */
export async function planWith(
  settings: Readonly<Record<string, Given>>,
  args: Arguments,
  context: Context,
  choice: RunChoice,
): Promise<PlanInput> {
  const { system } = context;
  const { config, recipe, template } = await chooseTemplate(context, choice);
  const stages = listStages(system.env, choice.phase);
  if (template.stage === null && stages.length > 0) {
    throw new UsageError(
      `which stage of ${choice.phase}? Give --stage ${stages.join(' | ')}`,
      'Or write `stage: …` into the recipe.',
    );
  }
  if (template.trainer === '') {
    const trainers = await listTrainers(system.env, choice.phase, template.stage ?? undefined);
    throw new UsageError(
      `which trainer is to run ${choice.phase}? Give -t ${trainers.join(' | ')}`,
      'Or write `trainer: …` under `defaults` in your profile.',
    );
  }
  const layers: Layer[] = [
    { source: 'recipe', values: recipe?.parameters ?? {} },
    { source: 'set', values: settings },
    { source: 'flag', values: flagValues(args, template.parameters) },
  ];
  return inputFrom(system, { config, template }, layers, texts(args, '--'));
}
