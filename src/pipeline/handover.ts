import { join } from 'node:path';
import { lifecycleOf } from '../run/lifecycle.ts';
import type { CheckpointRule, Upstream } from '../run/upstream.ts';
import type { Template } from '../template/load.ts';
import { type Source, type Stage, waitsFor } from './expand.ts';
import { type Converter, formatProblem, formatRead, type Handover, isOnlyAtEnd } from './formats.ts';
import type { PlannedStage, StageInput } from './plan.ts';

/** What a stage takes of an earlier one, and why it cannot. */
interface Taken {
  readonly upstream: Upstream;
  readonly problems: readonly string[];
}

interface Around {
  readonly outputDir: string;
  readonly planned: readonly PlannedStage[];
  readonly stages: readonly Stage[];
  readonly converters: readonly Converter[];
}

/** How the script of a stage will find what an earlier one leaves, and whether its trainer can read that. Pure. */
export function handOver(source: Source, { stage, input }: StageInput, around: Around): Taken {
  const { parameter, from, take = 'newest', path } = source;
  const writer = around.planned.find((each) => each.stage.name === from);
  if (writer === undefined) throw new TypeError(`${stage.name} takes ${parameter} from a later stage`);
  const endedWell = waitsWell(stage, from, around.stages);
  const checkpoints = join(writer.plan.outputDir, 'checkpoints');
  const common = { parameter, stage: from, runId: writer.runId, take, endedWell, checkpoints };
  if (path !== undefined)
    return { upstream: { ...common, rule: null, link: join(writer.plan.outputDir, path) }, problems: [] };
  const { template } = writer.input;
  const handover: Handover = { reader: input.template, parameter, from, writer: template, take, endedWell };
  const format = formatRead(handover);
  const at = template.front.leaves?.at;
  const tokenizer = tokenizerFor(handover, writer);
  return {
    upstream: {
      ...common,
      rule: ruleOf(writer.input),
      // The link is called as the model that all began with: trainers and dashboards show its name.
      link: join(around.outputDir, 'start', parameter, familyOf(writer)),
      onlyAtEnd: isOnlyAtEnd(handover),
      ...(at === undefined ? {} : { at }),
      ...(format === undefined ? {} : { format }),
      ...(tokenizer?.startsWith('/') ? { tokenizer } : {}),
    },
    problems: [
      formatProblem(handover, around.converters) ?? [],
      tokenizer === undefined || tokenizer.startsWith('/') ? [] : noTokenizer(handover, tokenizer),
    ].flat(),
  };
}

/**
 * The tokenizer of a model whose trainer saves none: that of the model the trainer began with. Undefined where the trainer
 * saves one, or where the reader has a parameter of its own for it.
 */
function tokenizerFor({ reader, parameter, writer }: Handover, { plan }: PlannedStage): string | undefined {
  if (writer.front.leaves?.tokenizer !== false || formatRead({ reader, parameter }) === undefined)
    return undefined;
  return takesTokenizer(reader) ? undefined : tokenizerOf(plan);
}

function takesTokenizer({ parameters }: Pick<Template, 'parameters'>): boolean {
  return parameters.some(({ name }) => name === 'tokenizer');
}

function tokenizerOf({ parameters }: Pick<PlannedStage['plan'], 'parameters'>): string {
  return String(parameters.tokenizer?.value ?? parameters.model?.value);
}

/** What a reader's own `tokenizer` has to be, when the model comes from a trainer that saves none. */
export function tokenizerFrom(
  { stage, input }: StageInput,
  planned: readonly PlannedStage[],
): string | undefined {
  if (!takesTokenizer(input.template) || input.parameters.tokenizer?.value != null) return undefined;
  const from = stage.sources.find(({ parameter, path }) => parameter === 'model' && path === undefined)?.from;
  const writer = planned.find((each) => each.stage.name === from);
  return writer?.input.template.front.leaves?.tokenizer === false ? tokenizerOf(writer.plan) : undefined;
}

function noTokenizer({ reader, parameter, from, writer }: Handover, tokenizer: string): string {
  return `${parameter}: ${from} (${writer.trainer}) saves no tokenizer, and ${reader.trainer} reads it beside the model. It can be put there from a directory, and ${tokenizer} is a name: download it, and give the directory as the model of ${from}`;
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
function ruleOf({ template: { front, phase, stage }, flags }: PlannedStage['input']): CheckpointRule {
  return (
    lifecycleOf(front.lifecycle, phase, stage ?? undefined, flags)?.checkpoint ?? { name: 'checkpoint-' }
  );
}
