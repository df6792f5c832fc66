import { UsageError } from '../errors.ts';
import { check } from './check.ts';
import { type ParameterInput, type ParameterInputs, parameterInputs } from './parameters.ts';
import { parametersSchema } from './schema.ts';
import { parseYaml } from './yaml-file.ts';
import { readYamlText } from './yaml-text.ts';

/** A file of template parameters: what makes one experiment, kept and shared apart from the cluster's profile. */
export interface Recipe {
  readonly path: string;
  /** The phase, its stage and the trainer it was written for, when it says so. */
  readonly phase: ParameterInput | undefined;
  readonly stage: ParameterInput | undefined;
  readonly trainer: ParameterInput | undefined;
  readonly parameters: ParameterInputs;
}

/**
 * Reads a recipe: a flat YAML map of parameter to value, in which `phase`, `stage` and `trainer` may stand too.
 * @throws UsageError naming every problem with its line, or when there is no such file.
 */
export async function loadRecipe(path: string): Promise<Recipe> {
  const text = readYamlText(path);
  if (text === undefined) {
    throw new UsageError(
      `there is no recipe ${path}`,
      'A recipe is a YAML file of parameters, such as "learning_rate: 1e-5".',
    );
  }
  const file = parseYaml(path, text);
  const { phase, stage, trainer, ...parameters } = parameterInputs(file, [], check(parametersSchema, file));
  return { path, phase, stage, trainer, parameters };
}
