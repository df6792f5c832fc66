import type { PlainValue } from '../template/context.ts';
import type { Lifecycle } from '../template/lifecycle-schema.ts';

/** How a trainer's checkpoints look: its row of the table that its template has. */
export type CheckpointRule = NonNullable<Lifecycle['checkpoint']>;

export type Take = 'newest' | 'best' | 'final';

/** A parameter of a run whose value is what another run will have left. */
export interface Upstream {
  readonly parameter: string;
  readonly stage: string;
  readonly runId: string;
  /** The `checkpoints` directory of that run. */
  readonly checkpoints: string;
  /** Null: the value is a path below that run's directory, known now, and there when the job starts. */
  readonly rule: CheckpointRule | null;
  readonly take: Take;
  /** Where the trainer saves its model at its end, below `checkpoints`; without it there itself. */
  readonly at?: string;
  /** Its checkpoints before that are of no use to this run. */
  readonly onlyAtEnd?: boolean;
  /** The format in which this run reads it, where its template says so. */
  readonly format?: string;
  /** Directory with the tokenizer that belongs to the model, of a trainer that saves none. */
  readonly tokenizer?: string;
  /** That run has ended well, or this one does not start. */
  readonly endedWell: boolean;
  /** The parameter's value: a link that the job sets to the checkpoint when it starts. */
  readonly link: string;
}

/** Names that hold whole models whatever the trainer, after the fault table's row 10. */
const KEPT: Readonly<Record<Take, readonly string[]>> = {
  newest: ['norm_', 'final_'],
  best: ['bestppl_'],
  final: ['final_'],
};

/** What templates/partials/upstream.hbs reads. */
export function upstreamContext(upstream: Upstream): PlainValue[] {
  const { parameter, stage, checkpoints, rule, take, at, endedWell, link } = upstream;
  if (rule === null) return [];
  const one = {
    parameter,
    stage,
    take,
    link,
    directory: rule.directory === undefined ? checkpoints : `${checkpoints}/${rule.directory}`,
    name: rule.name,
    prefixes: upstream.onlyAtEnd ? [] : [...(take === 'newest' ? [rule.name] : []), ...KEPT[take]],
    complete: rule.complete ?? [],
    unfinished: rule.unfinished ?? [],
    tracker: rule.tracker ?? null,
    // Megatron is given the directory that holds iter_NNNNNNN and its tracker, not one of them.
    container: rule.name === 'iter_',
    root: endedWell && take !== 'best' ? (at === undefined ? checkpoints : `${checkpoints}/${at}`) : null,
    weights: upstream.format?.startsWith('hf') ?? false,
    tokenizer: upstream.tokenizer ?? null,
  };
  return [one];
}
