import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { readSmallIfThere } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import { configHome, type System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { readTemplate, type TemplateFile } from './file.ts';
import type { FrontMatter } from './front-matter.ts';
import { mergeParameters } from './merge-parameters.ts';
import type { Parameter } from './parameter.ts';
import type { TemplateSource } from './render.ts';

/** One phase run by one trainer: everything that is needed to ask for its parameters and to render it. */
export interface Template {
  readonly phase: string;
  /** Of a phase that has several: `reward`, `ppo`, `grpo` of rlhf. */
  readonly stage: string | null;
  /** Empty when none was named: then only the parameters are of use, for --help. */
  readonly trainer: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly front: FrontMatter;
  readonly main: TemplateSource;
  readonly partials: ReadonlyMap<string, TemplateSource>;
}

/** A program of a trainer, and one phase that it runs. */
export interface Program {
  readonly trainer: string;
  readonly phase: string;
  readonly stage: string | null;
  readonly file: TemplateFile;
}

const EXTENSION = '.hbs';
/** Directories of templates/ that hold no phase's stages. */
const NO_PHASES = new Set(['partials', 'shared', 'trainers']);
const NAME = /^[a-z0-9-]+$/;

/** A site's own templates come first: a file there replaces or adds to the one of the same name in the package. */
type Roots = readonly string[];

function rootsOf(env: System['env']): Roots {
  const site = join(configHome(env), 'templates');
  const own = join(packageRoot(), 'templates');
  // Where there is none, forty files need not be looked for in it: a home on NFS is asked once.
  return existsSync(site) ? [site, own] : [own];
}

/** Names of the phases. */
export function listPhases(env: System['env']): string[] {
  return namesIn(rootsOf(env), '.');
}

/** Stages of a phase; none for most. */
export function listStages(env: System['env'], phase: string): string[] {
  return stagesIn(rootsOf(env), phase);
}

function stagesIn(roots: Roots, phase: string): string[] {
  return NAME.test(phase) && !NO_PHASES.has(phase) ? namesIn(roots, phase) : [];
}

/** Names of the trainers that can run a phase: one stage of it, or any when none is given. */
export async function listTrainers(env: System['env'], phase: string, stage?: string): Promise<string[]> {
  const programs = await listPrograms(env);
  const able = programs.filter((program) => runs(program, phase, stage ?? program.stage));
  return [...new Set(able.map(({ trainer }) => trainer))];
}

/** Every program of every trainer, or of one, once for each phase and stage that it runs. */
export async function listPrograms(env: System['env'], trainer?: string): Promise<Program[]> {
  const roots = rootsOf(env);
  const trainers = trainer === undefined ? foldersIn(roots, 'trainers') : [trainer];
  const programs = await Promise.all(
    trainers.map(async (name) => {
      const files = await readAll(roots, join('trainers', name));
      return [...files.values()].flatMap((file) => programsOf(name, file));
    }),
  );
  return programs.flat();
}

function programsOf(trainer: string, file: TemplateFile): Program[] {
  return (file.front.phases ?? []).map((entry) => {
    const [phase = '', stage = null] = entry.split('/');
    return { trainer, phase, stage, file };
  });
}

function runs(program: Program, phase: string, stage: string | null): boolean {
  return program.phase === phase && program.stage === stage;
}

/** Names of the parameters of all templates. */
export async function listParameterNames(env: System['env']): Promise<string[]> {
  const roots = rootsOf(env);
  const trainers = foldersIn(roots, 'trainers').map((name) => join('trainers', name));
  const folders = ['.', 'partials', 'shared', ...namesIn(roots, '.'), ...trainers];
  const files = await Promise.all(folders.map((folder) => readAll(roots, folder)));
  return files.flatMap((folder) =>
    [...folder.values()].flatMap((file) => Object.keys(file.front.parameters ?? {})),
  );
}

/**
 * A phase (and stage) with one trainer, or, without a trainer, what all trainers of the phase have in common (for --help).
 * @throws UsageError for a phase, stage or trainer that is not there, with "did you mean", or for a broken template.
 */
export async function loadTemplate(
  env: System['env'],
  phase: string,
  trainer?: string,
  stage?: string,
): Promise<Template> {
  const roots = rootsOf(env);
  const [phaseFile, stageFile, partials] = await Promise.all([
    findPhase(roots, phase),
    findStage(roots, phase, stage),
    readAll(roots, 'partials'),
  ]);
  const found = trainer === undefined ? undefined : await findProgram(env, phase, trainer, stage);
  const main = found?.program ?? phaseFile;
  const own = found ? [found.program, ...found.parts.values()] : [];
  const shares = [...own, phaseFile].flatMap(({ front }) => front.shares ?? []);
  const shared = await Promise.all(shares.map((name) => findShared(roots, name)));
  const files = [...own, ...(stageFile ? [stageFile] : []), phaseFile, ...shared, ...partials.values()];
  // What a program does not say of itself its trainer's parts say for all of them.
  const fronts = [...(found?.parts.values() ?? []), main].map(({ front }) => front);
  return {
    phase,
    stage: stage ?? null,
    trainer: trainer ?? '',
    summary: main.front.summary ?? '',
    parameters: mergeParameters(files),
    front: Object.assign({}, ...fronts) as FrontMatter,
    main,
    partials: new Map([...partials, ...(found?.parts ?? []), ['phase', phaseFile]]),
  };
}

async function findPhase(roots: Roots, phase: string): Promise<TemplateFile> {
  const file = NAME.test(phase) ? await find(roots, phase) : undefined;
  if (file) return file;
  const known = namesIn(roots, '.');
  throw new UsageError(
    `there is no phase "${phase}".${didYouMean(phase, known)}`,
    `Phases: ${known.join(', ')}`,
  );
}

async function findStage(
  roots: Roots,
  phase: string,
  stage: string | undefined,
): Promise<TemplateFile | undefined> {
  if (stage === undefined) return undefined;
  const known = stagesIn(roots, phase);
  if (known.includes(stage)) return find(roots, join(phase, stage));
  if (known.length === 0)
    throw new UsageError(`the phase ${phase} has no stages, so there is none to choose`);
  throw new UsageError(
    `there is no stage "${stage}" of ${phase}.${didYouMean(stage, known)}`,
    `Stages: ${known.join(', ')}`,
  );
}

async function findShared(roots: Roots, name: string): Promise<TemplateFile> {
  const file = await find(roots, join('shared', name));
  if (file) return file;
  throw new UsageError(`there is no templates/shared/${name}${EXTENSION}, which another template shares`);
}

/** The program's file, and the parts that the programs of its trainer have in common, by name. */
async function findProgram(
  env: System['env'],
  phase: string,
  trainer: string,
  stage: string | undefined,
): Promise<{ program: TemplateFile; parts: ReadonlyMap<string, TemplateFile> }> {
  const roots = rootsOf(env);
  const files = NAME.test(trainer)
    ? await readAll(roots, join('trainers', trainer))
    : new Map<string, never>();
  const programs = [...files.values()].flatMap((file) => programsOf(trainer, file));
  // With no stage given yet, --help shows what the first one of them takes.
  const stageless = stagesIn(roots, phase).length === 0;
  const program = programs.find((one) => runs(one, phase, stage ?? (stageless ? null : one.stage)));
  if (program) {
    const parts = [...files].filter(([, file]) => file.front.phases === undefined);
    return { program: program.file, parts: new Map(parts) };
  }
  const what = stage === undefined ? phase : `${phase} --stage ${stage}`;
  const known = await listTrainers(env, phase, stage);
  const problem =
    programs.length > 0
      ? `the trainer "${trainer}" does not run ${what}: it runs ${phrases(programs)}.`
      : `there is no trainer "${trainer}".${didYouMean(trainer, known)}`;
  throw new UsageError(problem, `Trainers for ${what}: ${known.join(', ')}`);
}

function phrases(programs: readonly Program[]): string {
  return programs
    .map(({ phase, stage }) => (stage === null ? phase : `${phase} --stage ${stage}`))
    .join(', ');
}

async function find(roots: Roots, name: string): Promise<TemplateFile | undefined> {
  for (const directory of roots) {
    const path = join(directory, name + EXTENSION);
    const source = readSmallIfThere(path);
    if (source !== undefined) return readTemplate(path, source);
  }
  return undefined;
}

/** All templates of one folder, by name. */
async function readAll(roots: Roots, folder: string): Promise<Map<string, TemplateFile>> {
  const names = namesIn(roots, folder);
  const files = await Promise.all(names.map((name) => find(roots, join(folder, name))));
  return new Map(files.flatMap((file, index) => (file ? [[names[index] ?? '', file] as const] : [])));
}

function namesIn(roots: Roots, folder: string): string[] {
  const names = entriesIn(roots, folder).filter((name) => name.endsWith(EXTENSION));
  return [...new Set(names.map((name) => name.slice(0, -EXTENSION.length)))].sort();
}

function foldersIn(roots: Roots, folder: string): string[] {
  return [...new Set(entriesIn(roots, folder).filter((name) => NAME.test(name)))].sort();
}

function entriesIn(roots: Roots, folder: string): string[] {
  return roots
    .map((directory) => join(directory, folder))
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory));
}
