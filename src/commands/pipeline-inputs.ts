import { loadConfig } from '../config/load.ts';
import type { ParameterInputs } from '../config/parameters.ts';
import { loadRecipe } from '../config/recipe.ts';
import { UsageError } from '../errors.ts';
import type { Stage } from '../pipeline/expand.ts';
import type { Pipeline } from '../pipeline/file.ts';
import type { Converter } from '../pipeline/formats.ts';
import { atStage, PLACEHOLDER, type StageInput } from '../pipeline/plan.ts';
import { inputFrom } from '../run/input.ts';
import type { System } from '../system/system.ts';
import {
  listParameterNames,
  listPrograms,
  listStages,
  listTrainers,
  loadTemplate,
  type Template,
} from '../template/load.ts';
import type { Layer } from '../template/resolve.ts';
import type { Context } from './command.ts';

/**
 * Template and parameters of every stage, each stronger than the one before: the profile, the pipeline's own, the recipe,
 * the stage's, and what comes from other stages.
 * @throws UsageError with the problems of all stages, each with its line.
 */
export async function pipelineInputs(context: Context, pipeline: Pipeline): Promise<StageInput[]> {
  const config = await loadConfig(context.system, context.options);
  const names = new Set(await listParameterNames(context.system.env));
  const inputs: StageInput[] = [];
  const problems: UsageError[] = [];
  for (const stage of pipeline.stages) {
    const where = pipeline.placeOf(stage);
    try {
      inputs.push({ stage, where, input: await stageInput(context, pipeline, stage, config, names) });
    } catch (error) {
      const placed = atStage(where, stage, error);
      if (!(placed instanceof UsageError)) throw placed;
      problems.push(placed);
    }
  }
  if (problems.length > 0)
    throw new UsageError(problems.map(({ message }) => message).join('\n'), problems[0]?.hint);
  return inputs;
}

async function stageInput(
  { system }: Context,
  pipeline: Pipeline,
  stage: Stage,
  config: Awaited<ReturnType<typeof loadConfig>>,
  names: ReadonlySet<string>,
) {
  const path = pipeline.recipeOf(stage);
  const recipe = path === undefined ? undefined : await loadRecipe(path);
  if (recipe?.phase && recipe.phase.value !== stage.phase)
    throw new UsageError(`${recipe.phase.where}: the recipe is for the phase ${recipe.phase.value}`);
  const part = stage.part ?? recipe?.stage?.value;
  const trainer =
    stage.trainer ??
    recipe?.trainer?.value ??
    pipeline.trainer ??
    config.phases[stage.phase]?.trainer?.value ??
    config.defaults.trainer?.value;
  const parts = listStages(system.env, stage.phase);
  if (parts.length > 0 && !part) throw new UsageError(`it needs a "stage": ${parts.join(' | ')}`);
  if (!trainer) {
    const trainers = await listTrainers(system.env, stage.phase, part ? String(part) : undefined);
    throw new UsageError(`it needs a "trainer": ${trainers.join(' | ')}`);
  }
  const template = await loadTemplate(
    system.env,
    stage.phase,
    String(trainer),
    part ? String(part) : undefined,
  );
  const given = stage.sources.map(({ parameter, from }) => [
    parameter,
    { value: PLACEHOLDER, where: `the stage ${from}` },
  ]);
  const layers: Layer[] = [
    { source: 'recipe', values: forStage(pipeline.parameters, template), allowed: names },
    { source: 'recipe', values: recipe?.parameters ?? {} },
    { source: 'recipe', values: pipeline.inputsOf(stage) },
    { source: 'recipe', values: Object.fromEntries(given) },
  ];
  return inputFrom(system, { config, template }, layers, stage.flags);
}

/** How many nodes and GPUs all stages have is meant for those that train: a job of one node on the CPU has its own. */
function forStage(common: ParameterInputs, { parameters }: Template): ParameterInputs {
  const isOneNode = parameters.some(({ name, max }) => name === 'nodes' && max === 1);
  if (!isOneNode) return common;
  return Object.fromEntries(
    Object.entries(common).filter(([name]) => !/^(?:nodes|gpus[-_]per[-_]node)$/.test(name)),
  );
}

/** What makes one format of another: the package's templates, and a site's own. */
export async function listConverters(env: System['env']): Promise<Converter[]> {
  const programs = await listPrograms(env);
  return programs.flatMap(({ trainer, file: { front } }) =>
    front.converts === undefined ? [] : [{ trainer, ...front.converts }],
  );
}
