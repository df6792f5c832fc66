import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { DependencyType } from '../run/manifest.ts';
import { type Plan, type PlanInput, planRun } from '../run/plan.ts';
import type { ResolvedParameters } from '../template/resolve.ts';
import type { Stage, When } from './expand.ts';
import type { Converter } from './formats.ts';
import { handOver, tokenizerFrom } from './handover.ts';

/** A stage with what the command line made of its parameters; those that come from other stages hold PLACEHOLDER. */
export interface StageInput {
  readonly stage: Stage;
  /** `file:line`. */
  readonly where: string;
  readonly input: PlanInput;
}

export interface PlannedStage {
  readonly stage: Stage;
  readonly runId: string;
  readonly input: PlanInput;
  readonly plan: Plan;
}

/** Stands for what an earlier stage gives, while the parameters are read. */
export const PLACEHOLDER = '/from-an-earlier-stage';

const DEPENDENCIES: Readonly<Record<When, DependencyType>> = {
  ok: 'afterok',
  notok: 'afternotok',
  any: 'afterany',
};

export function dependencyType(when: When): DependencyType {
  return DEPENDENCIES[when];
}

/**
 * Decides the run of every stage: its name, directory and script. Pure.
 * @throws UsageError with every stage that cannot read what an earlier one leaves, or the first that cannot be planned.
 */
export function planStages(
  pipelineId: string,
  inputs: readonly StageInput[],
  converters: readonly Converter[] = [],
): PlannedStage[] {
  const planned: PlannedStage[] = [];
  const problems: string[] = [];
  const stages = inputs.map(({ stage }) => stage);
  for (const each of inputs) {
    const { stage, where, input } = each;
    const runId = `${pipelineId}-${stage.name}`;
    const outputDir = join(String(input.parameters.output?.value), runId);
    const around = { outputDir, planned, stages, converters };
    const taken = stage.sources.map((source) => handOver(source, each, around));
    problems.push(
      ...taken.flatMap((one) => one.problems.map((problem) => `${where}: stage ${stage.name}: ${problem}`)),
    );
    const upstream = taken.map((one) => one.upstream);
    const tokenizer = tokenizerFrom(each, planned);
    const derived = [
      ['name', runId, 'the pipeline'],
      ...(tokenizer === undefined
        ? []
        : [['tokenizer', tokenizer, 'the model that the pipeline began with']]),
      ...upstream.map(({ parameter, link, stage: from }) => [
        parameter,
        link,
        `the stage ${from} (${where})`,
      ]),
    ];
    const parameters: ResolvedParameters = {
      ...input.parameters,
      ...Object.fromEntries(
        derived.map(([name, value, from]) => [name, { value, source: 'derived', where: from }]),
      ),
    };
    const full = { ...input, parameters, upstream };
    planned.push({ stage, runId, input: full, plan: inStage(where, stage, () => planRun(full)) });
  }
  if (problems.length > 0)
    throw new UsageError(
      problems.join('\n'),
      'Nothing was submitted. "opsctl trainers" lists what runs what.',
    );
  return planned;
}

/** An error of a stage names the stage and its line. */
export function inStage<T>(where: string, stage: Stage, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw atStage(where, stage, error);
  }
}

export function atStage(where: string, stage: Stage, error: unknown): unknown {
  return error instanceof UsageError
    ? new UsageError(`${where}: stage ${stage.name}: ${error.message}`, error.hint)
    : error;
}
