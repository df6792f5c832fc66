import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { readIfThere } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import { configHome, type System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { readTemplate, type TemplateFile } from './file.ts';
import type { FrontMatter, ParameterEntry } from './front-matter.ts';
import type { Parameter } from './parameter.ts';
import type { TemplateSource } from './render.ts';

/** One phase run by one trainer: everything that is needed to ask for its parameters and to render it. */
export interface Template {
  readonly phase: string;
  readonly trainer: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly front: FrontMatter;
  readonly main: TemplateSource;
  readonly partials: ReadonlyMap<string, TemplateSource>;
}

const EXTENSION = '.hbs';

/** A site's own templates come first: a file there replaces or adds to the one of the same name in the package. */
function directories(env: System['env']): string[] {
  return [join(configHome(env), 'templates'), join(packageRoot(), 'templates')];
}

/** Names of the phases that have a template. */
export async function listPhases(env: System['env']): Promise<string[]> {
  return namesIn(directories(env));
}

/** Names of the trainers that can run a phase. */
export async function listTrainers(env: System['env'], phase: string): Promise<string[]> {
  const names = await namesIn(directories(env).map((directory) => join(directory, 'trainers')));
  const files = await Promise.all(names.map((name) => find(env, join('trainers', name))));
  return names.filter((_, index) => files[index]?.front.phases?.includes(phase));
}

/** Names of the parameters of all templates. */
export async function listParameterNames(env: System['env']): Promise<string[]> {
  const inside = (part: string) =>
    namesIn(directories(env).map((directory) => join(directory, part))).then((names) =>
      names.map((name) => join(part, name)),
    );
  const names = (await Promise.all(['.', 'trainers', 'partials'].map(inside))).flat();
  const files = await Promise.all(names.map((name) => find(env, name)));
  return files.flatMap((file) => Object.keys(file?.front.parameters ?? {}));
}

/**
 * A phase with one trainer, or, without a trainer, what all trainers of the phase have in common (for --help).
 * @throws UsageError for a phase or a trainer that is not there, with "did you mean", or for a broken template.
 */
export async function loadTemplate(env: System['env'], phase: string, trainer?: string): Promise<Template> {
  const [phaseFile, partials] = await Promise.all([findPhase(env, phase), loadPartials(env)]);
  const trainerFile = trainer === undefined ? undefined : await findTrainer(env, phase, trainer);
  const main = trainerFile ?? phaseFile;
  const files = [...(trainerFile ? [trainerFile] : []), phaseFile, ...partials.values()];
  return {
    phase,
    trainer: trainer ?? '',
    summary: main.front.summary ?? '',
    parameters: mergeParameters(files),
    front: main.front,
    main,
    partials: new Map([...partials, ['phase', phaseFile]]),
  };
}

const NAME = /^[a-z0-9-]+$/;

async function findPhase(env: System['env'], phase: string): Promise<TemplateFile> {
  const file = NAME.test(phase) ? await find(env, phase) : undefined;
  if (file) return file;
  const known = await listPhases(env);
  throw new UsageError(
    `there is no phase "${phase}".${didYouMean(phase, known)}`,
    `Phases: ${known.join(', ')}`,
  );
}

async function findTrainer(env: System['env'], phase: string, trainer: string): Promise<TemplateFile> {
  const file = NAME.test(trainer) ? await find(env, join('trainers', trainer)) : undefined;
  if (file?.front.phases?.includes(phase)) return file;
  const known = await listTrainers(env, phase);
  const what = file ? `the trainer "${trainer}" does not run ${phase}` : `there is no trainer "${trainer}"`;
  throw new UsageError(`${what}.${didYouMean(trainer, known)}`, `Trainers for ${phase}: ${known.join(', ')}`);
}

/**
 * Declarations of one name in several files are one parameter: the file that comes first may narrow what a later
 * one declares (a trainer sets its own default for the phase's learning rate).
 */
function mergeParameters(files: readonly TemplateFile[]): Parameter[] {
  const merged = new Map<string, Parameter>();
  for (const file of [...files].reverse()) {
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

async function loadPartials(env: System['env']): Promise<Map<string, TemplateFile>> {
  const names = await namesIn(directories(env).map((directory) => join(directory, 'partials')));
  const files = await Promise.all(
    names.map(async (name) => [name, await find(env, join('partials', name))] as const),
  );
  return new Map(files.flatMap(([name, file]) => (file ? [[name, file] as const] : [])));
}

async function find(env: System['env'], name: string): Promise<TemplateFile | undefined> {
  for (const directory of directories(env)) {
    const path = join(directory, name + EXTENSION);
    const source = await readIfThere(path);
    if (source !== undefined) return readTemplate(path, source);
  }
  return undefined;
}

async function namesIn(directories: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(directories.map((directory) => readdir(directory).catch(() => [])));
  const names = lists
    .flat()
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length));
  return [...new Set(names)].sort();
}
