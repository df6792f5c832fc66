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
  const merged = new Map<string, Declaration>();
  for (const file of [...files].reverse()) {
    for (const name of file.front.without ?? []) merged.delete(name);
    for (const [name, entry] of Object.entries(file.front.parameters ?? {})) {
      const known = merged.get(name);
      merged.set(name, {
        entry: { ...known?.entry, ...entry },
        group: known?.group ?? file.front.title,
        path: file.path,
      });
    }
  }
  const order = files.map((file) => file.front.title);
  const parameters = [...merged].map(([name, declaration]) => complete(name, declaration));
  return parameters.sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

interface Declaration {
  readonly entry: Readonly<ParameterEntry>;
  readonly group: string;
  /** The file that was the last to say something of it. */
  readonly path: string;
}

function complete(name: string, { entry, group, path }: Declaration): Parameter {
  const { type, help } = entry;
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UsageError(`${path}: parameter "${name}": a name is lower-case words joined by "_"`);
  if (type === undefined || help === undefined)
    throw new UsageError(`${path}: parameter "${name}" needs a type and a help text`);
  if (type === 'choice' && !entry.choices?.length)
    throw new UsageError(`${path}: parameter "${name}" is a choice without choices`);
  return { ...(entry as Partial<Parameter>), name, type, help, group };
}
