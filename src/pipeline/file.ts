import { basename, dirname, extname, join } from 'node:path';
import { check } from '../config/check.ts';
import { type ParameterInputs, parameterInputs } from '../config/parameters.ts';
import { parseYaml, place, type YamlFile } from '../config/yaml-file.ts';
import { readYamlText } from '../config/yaml-text.ts';
import { UsageError } from '../errors.ts';
import { expand, type Stage } from './expand.ts';
import { pipelineSchema } from './schema.ts';

/** A pipeline as its file describes it. */
export interface Pipeline {
  readonly path: string;
  readonly name: string;
  readonly trainer: string | undefined;
  /** For every stage. */
  readonly parameters: ParameterInputs;
  readonly stages: readonly Stage[];
  /** `file:line` of a stage. */
  readonly placeOf: (stage: Stage) => string;
  /** A stage's own parameters, with their places. */
  readonly inputsOf: (stage: Stage) => ParameterInputs;
  /** Path of the stage's recipe; it lies beside the pipeline. */
  readonly recipeOf: (stage: Stage) => string | undefined;
}

const PARAMETERS = [
  'model',
  'data',
  'output',
  'nodes',
  'gpus_per_node',
  'time',
  'partition',
  'learning_rate',
  'max_steps',
];

/** As Slurm's own dependencies and other programs' pipelines have it, and what belongs one level deeper. */
const INSTEAD = {
  ...Object.fromEntries(PARAMETERS.map((name) => [name, 'It is a parameter: write it under "parameters".'])),
  afterok: 'Write "after: STAGE": that is when it has ended well.',
  afternotok: 'Write "after: STAGE" and "when: notok".',
  afterany: 'Write "after: STAGE" and "when: any".',
  dependency: 'Write "after: STAGE", and "when: ok", "notok" or "any".',
  depends_on: 'Write "after: STAGE".',
  needs: 'Write "after: STAGE".',
  set: 'Write "parameters".',
  params: 'Write "parameters".',
};

/**
 * Reads a pipeline.
 * @throws UsageError with every problem as `file:line:column`, or when there is no such file.
 */
export function loadPipeline(path: string): Pipeline {
  const text = readYamlText(path);
  if (text === undefined)
    throw new UsageError(
      `there is no pipeline ${path}`,
      'It is a YAML file, such as "stages: [{ phase: sft }, { phase: dpo }]"; "opsctl pipeline schema" describes it.',
    );
  return parsePipeline(path, text);
}

export function parsePipeline(path: string, text: string): Pipeline {
  const file = parseYaml(path, text);
  const data = check(pipelineSchema, file, INSTEAD);
  const { stages, problems } = expand(data);
  if (problems.length > 0) throw file.failure(problems);
  return {
    path,
    name: data.name ?? nameOf(path),
    trainer: data.trainer,
    parameters: parameterInputs(file, ['parameters'], data.parameters ?? {}),
    stages,
    placeOf: (stage) => place(file, stage.keyPath),
    inputsOf: (stage) => ownInputs(file, stage),
    recipeOf: ({ recipe }) => (recipe === undefined ? undefined : join(dirname(path), recipe)),
  };
}

/** Numbers are read as they are written (`1e-5`); texts are those in which the round was filled in. */
function ownInputs(file: YamlFile, { keyPath, values }: Stage): ParameterInputs {
  return parameterInputs(file, [...keyPath, 'parameters'], values);
}

function nameOf(path: string): string {
  const name = basename(path, extname(path))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
  return name === '' ? 'pipeline' : name;
}
