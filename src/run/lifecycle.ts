import { UsageError } from '../errors.ts';
import type { PlainValue } from '../template/context.ts';
import type { Lifecycle } from '../template/lifecycle-schema.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { hasFlag, type VersionFlags } from './version-flags.ts';

/**
 * The row of a trainer's table for a phase (or a stage of it), or undefined when it has none.
 * @param flags of the version that runs, where it is not the one that the template is written for.
 */
export function lifecycleOf(
  rows: readonly Lifecycle[] | undefined,
  phase: string,
  stage?: string,
  flags?: VersionFlags,
): Lifecycle | undefined {
  const held = rowsOf(rows, phase, stage);
  return held.find(({ needs }) => needs === undefined || flags === undefined || hasFlag(flags, needs));
}

/** The rows for a phase or a stage: the first is that of the version the template is written for, others of versions without its flag. */
export function rowsOf(
  rows: readonly Lifecycle[] | undefined,
  phase: string,
  stage?: string,
): readonly Lifecycle[] {
  const named = rows?.filter(({ phases }) => phases?.some((name) => name === phase || name === stage)) ?? [];
  return named.length > 0 ? named : (rows?.filter(({ phases }) => phases === undefined) ?? []);
}

function unknown({ trainer_version: version }: Readonly<Record<string, ParameterValue>>): string {
  return typeof version === 'string'
    ? `no row of its table of signals holds for ${version}: opsctl trainers signals`
    : 'its template does not say that it can resume.';
}

/**
 * What the templates read as `lifecycle`: whether to requeue and why (not), the signal as a directive, the launcher's
 * patience, and what a complete checkpoint is.
 * @throws UsageError when a requeue was asked for, of a trainer that cannot resume.
 */
export function lifecycleContext(
  row: Lifecycle | undefined,
  values: Readonly<Record<string, ParameterValue>>,
): Record<string, PlainValue> {
  const resumes = row !== undefined && row.resume.by !== 'never';
  const why = row?.resume.why ?? unknown(values);
  if (values.requeue === true && !resumes) {
    throw new UsageError(
      `requeue: this trainer cannot go on where it stopped: ${why}`,
      'Leave requeue away; with a time limit that is long enough it needs no second attempt.',
    );
  }
  const lead = Number(values.signal_lead ?? row?.signal.lead ?? 0);
  const { checkpoint } = row ?? {};
  return {
    requeue: resumes && values.requeue !== false,
    why: resumes && values.requeue === false ? 'it was asked not to be.' : why,
    signal: row ? signal(row, lead) : null,
    shutdown: row?.shutdown ? shutdown(row, row.shutdown, lead) : null,
    resume_flag: row?.resume.flag ?? null,
    checkpoint: checkpoint
      ? {
          directory: checkpoint.directory ?? null,
          name: checkpoint.name,
          complete: checkpoint.complete ?? [],
          unfinished: checkpoint.unfinished ?? [],
          tracker: checkpoint.tracker ?? null,
          state: checkpoint.state ?? null,
        }
      : null,
  };
}

function signal({ signal: { name, to } }: Lifecycle, lead: number): PlainValue {
  const toBatch = to === 'batch';
  return { name, lead, to_batch: toBatch, directive: `${toBatch ? 'B:' : ''}${name}@${lead}` };
}

/** A longer lead is meant for a checkpoint that takes longer, so the launcher waits longer too, where it can be told. */
function shutdown(
  row: Lifecycle,
  { seconds, by }: NonNullable<Lifecycle['shutdown']>,
  lead: number,
): PlainValue {
  const fixed = by === 'fixed';
  return { seconds: fixed ? seconds : Math.max(1, lead - (row.signal.lead - seconds)), fixed };
}
