import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { lifecycleOf } from '../run/lifecycle.ts';
import type { DependencyType } from '../run/manifest.ts';
import { type Plan, type PlanInput, planRun } from '../run/plan.ts';
import type { CheckpointRule, Upstream } from '../run/upstream.ts';
import type { Template } from '../template/load.ts';
import type { ResolvedParameters } from '../template/resolve.ts';
import { type Source, type Stage, type When, waitsFor } from './expand.ts';

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

/** Decides the run of every stage: its name, directory and script. Pure. */
export function planStages(pipelineId: string, inputs: readonly StageInput[]): PlannedStage[] {
  const planned: PlannedStage[] = [];
  const stages = inputs.map(({ stage }) => stage);
  for (const { stage, where, input } of inputs) {
    const runId = `${pipelineId}-${stage.name}`;
    const outputDir = join(String(input.parameters.output?.value), runId);
    const upstream = stage.sources.map((source) =>
      upstreamOf(source, stage, outputDir, planned, waitsWell(stage, source.from, stages)),
    );
    const parameters: ResolvedParameters = {
      ...input.parameters,
      name: { value: runId, source: 'derived', where: 'the pipeline' },
      ...Object.fromEntries(
        upstream.map(({ parameter, link, stage: from }) => [
          parameter,
          { value: link, source: 'derived', where: `the stage ${from} (${where})` },
        ]),
      ),
    };
    const full = { ...input, parameters, upstream };
    planned.push({ stage, runId, input: full, plan: inStage(where, stage, () => planRun(full)) });
  }
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

function upstreamOf(
  { parameter, from, take = 'newest', path }: Source,
  stage: Stage,
  outputDir: string,
  planned: readonly PlannedStage[],
  endedWell: boolean,
): Upstream {
  const source = planned.find((each) => each.stage.name === from);
  if (source === undefined) throw new TypeError(`${stage.name} takes ${parameter} from a later stage`);
  const common = { parameter, stage: from, runId: source.runId, take, endedWell };
  const checkpoints = join(source.plan.outputDir, 'checkpoints');
  if (path !== undefined)
    return { ...common, checkpoints, rule: null, link: join(source.plan.outputDir, path) };
  // The link is called as the model that all began with: trainers and dashboards show its name.
  const link = join(outputDir, 'start', parameter, familyOf(source));
  return { ...common, checkpoints, rule: ruleOf(source.input.template), link };
}

function familyOf({ plan }: PlannedStage): string {
  return String(plan.parameters.model?.value ?? 'model')
    .replace(/\/+$/, '')
    .replace(/^.*\//, '');
}

/** Whether a stage starts only if the other has ended well, be it through others. */
function waitsWell(stage: Stage, name: string, all: readonly Stage[]): boolean {
  if (stage.when !== 'ok') return false;
  const after = all.filter((each) => stage.after.includes(each.name));
  return waitsFor(after, name, all) && after.some((each) => each.name === name || waitsWell(each, name, all));
}

/** What a complete checkpoint of the trainer looks like; without a row only names such as final_N are known. */
function ruleOf({ front, phase, stage }: Template): CheckpointRule {
  return lifecycleOf(front.lifecycle, phase, stage ?? undefined)?.checkpoint ?? { name: 'checkpoint-' };
}
