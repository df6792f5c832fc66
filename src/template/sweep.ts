import type { Given, Parameter, ParameterType } from './parameter.ts';

/** Types whose values hold no comma: there a comma stands between values. */
const WITHOUT_COMMAS: ReadonlySet<ParameterType> = new Set([
  'int',
  'float',
  'bool',
  'choice',
  'duration',
  'memory',
]);

/**
 * The settings of each task of a sweep: every combination of the values that were given as lists, the last list changing
 * fastest; one when there is no list. A list is `1e-5,5e-6` where the parameter's type has no commas, and `[a,b]` anywhere.
 */
export function sweepSettings(
  settings: Readonly<Record<string, Given>>,
  parameters: readonly Parameter[],
): { readonly swept: readonly string[]; readonly tasks: readonly Readonly<Record<string, Given>>[] } {
  const types = new Map(parameters.map(({ name, type }) => [name, type]));
  let tasks: Readonly<Record<string, Given>>[] = [settings];
  const swept: string[] = [];
  for (const [name, given] of Object.entries(settings)) {
    const values = listOf(String(given.value), types.get(name));
    if (values === undefined) continue;
    swept.push(name);
    tasks = tasks.flatMap((task) => values.map((value) => ({ ...task, [name]: { ...given, value } })));
  }
  return { swept, tasks };
}

function listOf(text: string, type: ParameterType | undefined): string[] | undefined {
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  const isList = inner === undefined ? type !== undefined && WITHOUT_COMMAS.has(type) : inner.includes(',');
  if (!isList || !text.includes(',')) return undefined;
  return (inner ?? text).split(',').map((value) => value.trim());
}
