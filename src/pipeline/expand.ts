import type { KeyPath, Problem } from '../config/yaml-file.ts';
import { didYouMean } from '../terminal/suggest.ts';
import type { FromStage, PipelineFile, StageEntry } from './schema.ts';

export type When = 'ok' | 'notok' | 'any';

/** A parameter that another stage gives. */
export interface Source extends FromStage {
  readonly parameter: string;
}

/** One stage as it runs: rounds are written out, and what it waits for is known. */
export interface Stage {
  readonly name: string;
  readonly phase: string;
  /** Of a phase that has several, such as rlhf's `reward`. */
  readonly part: string | undefined;
  readonly trainer: string | undefined;
  readonly recipe: string | undefined;
  readonly flags: readonly string[];
  /** Names of earlier stages. */
  readonly after: readonly string[];
  readonly when: When;
  readonly sources: readonly Source[];
  /** Its plain parameters; `{round}` is filled in. */
  readonly values: Readonly<Record<string, string | number | boolean | null>>;
  /** Where it stands in the file. */
  readonly keyPath: KeyPath;
}

interface Place {
  readonly keyPath: KeyPath;
  readonly round: number | undefined;
  /** Names of the stages of the same block, in order. */
  readonly block: readonly string[];
}

/**
 * Writes the rounds out, gives each stage what it waits for, and lets the model of each come from the one before.
 * Pure; the problems are those that the schema cannot see.
 */
export function expand(file: PipelineFile): { stages: readonly Stage[]; problems: readonly Problem[] } {
  const stages: Stage[] = [];
  const problems: Problem[] = [];
  const add = (entry: StageEntry, place: Place): void => {
    const stage = stageOf(entry, place, stages, problems);
    if (stage !== undefined) stages.push(stage);
  };
  for (const [index, { repeat, stages: inner, ...entry }] of file.stages.entries()) {
    const keyPath = ['stages', index];
    if (inner === undefined && repeat === undefined) {
      add(entry, { keyPath, round: undefined, block: [] });
      continue;
    }
    const own = Object.keys(entry)[0];
    if (inner === undefined || repeat === undefined || inner.length === 0 || own !== undefined) {
      const message =
        own === undefined
          ? '"repeat" and "stages" go together'
          : `a block of stages has no "${own}" of its own`;
      problems.push({ keyPath: own === undefined ? keyPath : [...keyPath, own], message });
      continue;
    }
    const block = inner.map((each) => each.name ?? each.stage ?? each.phase ?? '');
    for (let round = 1; round <= repeat; round++)
      for (const [at, each] of inner.entries())
        add(each, { keyPath: [...keyPath, 'stages', at], round, block });
  }
  return { stages, problems: firstOfEach(problems) };
}

function stageOf(
  entry: StageEntry,
  place: Place,
  earlier: readonly Stage[],
  problems: Problem[],
): Stage | undefined {
  const { keyPath, round } = place;
  const say = (key: string | undefined, message: string): void => {
    problems.push({
      keyPath: key === undefined ? keyPath : [...keyPath, ...key.split('.')],
      atValue: true,
      message,
    });
  };
  if (entry.phase === undefined) {
    say(undefined, 'a stage needs a phase, such as "phase: sft"');
    return undefined;
  }
  const base = entry.name ?? entry.stage ?? entry.phase;
  const name = round === undefined ? base : `${base}-${round}`;
  if (earlier.some((stage) => stage.name === name))
    say(
      entry.name === undefined ? 'phase' : 'name',
      `there is a stage "${name}" already; give it another name`,
    );
  const meant = (text: string, key: string): Stage | undefined => {
    const found = lookUp(text, place, base, earlier);
    if (found === undefined)
      say(
        key,
        `there is no stage "${text}" before this one.${didYouMean(
          text,
          earlier.map((stage) => stage.name),
        )}`,
      );
    return found;
  };
  const last = earlier.at(-1);
  const after =
    entry.after === undefined
      ? last === undefined
        ? []
        : [last]
      : [entry.after].flat().flatMap((text) => meant(text, 'after') ?? []);
  const when = entry.when ?? 'ok';
  const sources: Source[] = [];
  const values: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(entry.parameters ?? {})) {
    const parameter = key.replaceAll('-', '_');
    if (parameter === 'name') say(`parameters.${key}`, 'the pipeline names the runs of its stages itself');
    if (value === null || typeof value !== 'object') {
      values[key] = withRound(value, round);
      continue;
    }
    const stage = meant(value.from, `parameters.${key}`);
    if (stage === undefined) continue;
    if (!waitsFor(after, stage.name, earlier))
      say(
        `parameters.${key}`,
        `it comes from the stage "${stage.name}", which this one does not wait for: name it under "after"`,
      );
    sources.push({ ...value, parameter, from: stage.name });
  }
  if (!('model' in values) && !sources.some(({ parameter }) => parameter === 'model')) {
    const source = modelSource(entry.phase, after, earlier);
    if (typeof source === 'string') say('after', source);
    else if (source !== undefined) sources.push({ parameter: 'model', from: source.name });
  }
  return {
    name,
    phase: entry.phase,
    part: entry.stage,
    trainer: entry.trainer,
    recipe: entry.recipe,
    flags: entry.flags ?? [],
    after: after.map((stage) => stage.name),
    when,
    sources,
    values,
    keyPath,
  };
}

function withRound<T>(value: T, round: number | undefined): T | string {
  return typeof value === 'string' && round !== undefined
    ? value.replaceAll('{round}', String(round))
    : value;
}

/** In a block a name means this round's stage, or the round before's where it comes later; from outside the last round's. */
function lookUp(
  text: string,
  { round, block }: Place,
  own: string,
  earlier: readonly Stage[],
): Stage | undefined {
  const exact = earlier.find((stage) => stage.name === text);
  if (exact) return exact;
  if (round !== undefined && block.includes(text)) {
    const at = block.indexOf(text) < block.indexOf(own) ? round : round - 1;
    return earlier.find((stage) => stage.name === `${text}-${at}`);
  }
  return earlier.findLast((stage) => stage.name.replace(/-\d+$/, '') === text);
}

/** Whether a stage begins only when another has ended, be it through others. */
export function waitsFor(after: readonly Stage[], name: string, all: readonly Stage[]): boolean {
  return after.some(
    (stage) =>
      stage.name === name ||
      waitsFor(
        all.filter((each) => stage.after.includes(each.name)),
        name,
        all,
      ),
  );
}

/** Jobs that make data leave no model: then it comes from what stands before them. */
function isData(phase: string): boolean {
  return phase.startsWith('data-');
}

/** The stage whose checkpoint a stage without a model of its own goes on from; a sentence where that is not clear. */
function modelSource(
  phase: string,
  after: readonly Stage[],
  all: readonly Stage[],
): Stage | string | undefined {
  if (isData(phase)) return undefined;
  const left = after.flatMap((stage) => trainingBefore(stage, all));
  const distinct = [...new Map(left.map((stage) => [stage.name, stage])).values()];
  const [only, ...others] = distinct;
  const unclear =
    others.length > 0
      ? `it waits for ${distinct.map((stage) => stage.name).join(' and ')}`
      : only?.part === 'reward'
        ? `"${only.name}" leaves a reward model`
        : undefined;
  return unclear === undefined
    ? only
    : `${unclear}: say which model it starts from, as "model: { from: STAGE }"`;
}

function trainingBefore(stage: Stage, all: readonly Stage[]): Stage[] {
  if (!isData(stage.phase)) return [stage];
  return all.filter((each) => stage.after.includes(each.name)).flatMap((each) => trainingBefore(each, all));
}

/** A stage of a block is looked at once a round: its problem is one. */
function firstOfEach(problems: readonly Problem[]): Problem[] {
  const seen = new Map(
    [...problems].reverse().map((problem) => [problem.keyPath.map(String).join('\0'), problem]),
  );
  return problems.filter((problem) => seen.get(problem.keyPath.map(String).join('\0')) === problem);
}
