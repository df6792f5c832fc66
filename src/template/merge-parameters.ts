import { UsageError } from '../errors.ts';
import type { TemplateFile } from './file.ts';
import type { ParameterEntry } from './front-matter.ts';
import type { Parameter } from './parameter.ts';

/**
 * Declarations of one name in several files are one parameter: the file that comes first may narrow what a later
 * one declares (a trainer sets its own default for the phase's learning rate), or take it away with `without`, when its
 * program has no such thing: a parameter that does nothing would be a lie.
 * @throws UsageError naming the file of a declaration that is not whole.
 */
export function mergeParameters(files: readonly TemplateFile[]): Parameter[] {
  const merged = new Map<string, Parameter>();
  for (const file of [...files].reverse()) {
    for (const name of file.front.without ?? []) merged.delete(name);
    for (const [name, entry] of Object.entries(file.front.parameters ?? {})) {
      const known: Partial<Parameter> = merged.get(name) ?? {};
      merged.set(name, complete(name, { ...known, ...entry }, file));
    }
  }
  const order = files.map((file) => file.front.title);
  return [...merged.values()].sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

function complete(
  name: string,
  entry: Readonly<ParameterEntry> & { readonly group?: string },
  file: TemplateFile,
): Parameter {
  const { type, help } = entry;
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UsageError(`${file.path}: parameter "${name}": a name is lower-case words joined by "_"`);
  if (type === undefined || help === undefined)
    throw new UsageError(`${file.path}: parameter "${name}" needs a type and a help text`);
  if (type === 'choice' && !entry.choices?.length)
    throw new UsageError(`${file.path}: parameter "${name}" is a choice without choices`);
  return { ...(entry as Partial<Parameter>), name, type, help, group: entry.group ?? file.front.title };
}
