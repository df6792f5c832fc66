import { UsageError } from '../errors.ts';
import { didYouMean } from '../terminal/suggest.ts';
import {
  type Given,
  type Parameter,
  type ParameterValue,
  readValue,
  type Surroundings,
} from './parameter.ts';

/** Where a value came from, weakest first; `derived` is worked out from the others and from the cluster. */
export type Source = 'default' | 'derived' | 'environment' | 'profile' | 'recipe' | 'set' | 'flag';

export interface Resolved {
  readonly value: ParameterValue;
  readonly source: Source;
  readonly where: string;
}

/** The values of one source, by parameter name. */
export interface Layer {
  readonly source: Source;
  readonly values: Readonly<Record<string, Given>>;
  /** Names that this template does not have but another one does: a profile serves every template. */
  readonly allowed?: ReadonlySet<string>;
}

export type ResolvedParameters = Readonly<Record<string, Resolved>>;

/**
 * The value of every parameter: the last layer that has one wins, `null` in a layer takes a value away again.
 * @throws UsageError with every problem at once: unknown names (with "did you mean"), wrong values, missing ones.
 */
export function resolveParameters(
  parameters: readonly Parameter[],
  layers: readonly Layer[],
  around: Surroundings,
): ResolvedParameters {
  const problems: string[] = [];
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const resolved: Record<string, Resolved> = {};
  for (const parameter of parameters) {
    resolved[parameter.name] = { value: parameter.default ?? null, source: 'default', where: 'default' };
  }
  for (const layer of layers) {
    for (const [name, given] of Object.entries(layer.values)) {
      const parameter = byName.get(name);
      if (parameter === undefined) {
        if (!layer.allowed?.has(name))
          problems.push(
            `there is no parameter "${name}" (from ${given.where}).${didYouMean(name, byName.keys())}`,
          );
        continue;
      }
      try {
        resolved[name] = {
          value: readValue(parameter, given, around),
          source: layer.source,
          where: given.where,
        };
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        problems.push(error.message);
      }
    }
  }
  const missing = parameters.filter(
    (parameter) => parameter.required && resolved[parameter.name]?.value === null,
  );
  problems.push(...missing.map(({ name, help }) => `${name} is missing: ${help}`));
  if (problems.length > 0)
    throw new UsageError(
      problems.join('\n'),
      'A parameter is given on the command line, in a recipe, or under "parameters" in a pipeline; "opsctl submit PHASE -t TRAINER --help" lists them.',
    );
  return resolved;
}

/** How a parameter is spelled on the command line. */
export function flagName(name: string): string {
  return name.replaceAll('_', '-');
}

/**
 * Reads `--set key=value` words.
 * @throws UsageError for one without `=`.
 */
export function parseSettings(words: readonly string[]): Record<string, Given> {
  const entries = words.map((word): [string, Given] => {
    const at = word.indexOf('=');
    if (at < 1)
      throw new UsageError(
        `--set ${JSON.stringify(word)} is not of the form key=value`,
        'For example: --set learning_rate=1e-5',
      );
    const name = word.slice(0, at).replaceAll('-', '_');
    return [name, { value: word.slice(at + 1), where: `--set ${name}` }];
  });
  return Object.fromEntries(entries);
}
