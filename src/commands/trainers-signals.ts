import type { Lifecycle } from '../template/lifecycle-schema.ts';
import type { Runnable } from './trainers-runnable.ts';

/** A row of the table, and what it is for. */
interface Row {
  readonly trainer: string;
  readonly runs: readonly string[];
  readonly lifecycle: Lifecycle;
  /** The known versions that it holds for, and of which of the runs. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
  /** Flags that a version must not have, because an earlier row then holds. */
  readonly lacks: readonly string[];
}

/** How each trainer is told to stop and how it goes on: lines for a person, one block for each row of the table. */
export function showSignals(runnables: readonly Runnable[]): string[] {
  return rowsOf(runnables).flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    `${row.trainer}: ${row.runs.join(', ')} (read from ${row.lifecycle.version})`,
    ...Object.entries({ 'holds for': holdsFor(row), ...words(row.lifecycle) }).map(
      ([name, text]) => `  ${name.padEnd(11)} ${text}`,
    ),
  ]);
}

/** Programs of a trainer that behave alike share a row. */
function rowsOf(runnables: readonly Runnable[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { trainer, phase, stage, lifecycles } of runnables)
    for (const [index, { row, versions }] of lifecycles.entries()) {
      const key = JSON.stringify([trainer, row]);
      const before = rows.get(key);
      const name = stage ?? phase;
      const held = new Map(before?.versions);
      for (const version of versions) held.set(version, [...(held.get(version) ?? []), name]);
      const lacks = lifecycles.slice(0, index).flatMap((earlier) => earlier.row.needs ?? []);
      rows.set(key, {
        trainer,
        runs: [...(before?.runs ?? []), name],
        lifecycle: row,
        versions: held,
        lacks,
      });
    }
  return [...rows.values()].sort((a, b) => a.trainer.localeCompare(b.trainer, 'en'));
}

function holdsFor({ runs, lifecycle: { needs }, versions, lacks }: Row): string {
  const known = [...versions].map(([version, names]) =>
    names.length === runs.length ? version : `${version} (${names.join(', ')})`,
  );
  const flags = [
    ...(needs === undefined ? [] : [`with ${needs}`]),
    ...(lacks.length === 0 ? [] : [`without ${lacks.join(', ')}`]),
  ].join(' and ');
  return `${known.join(', ') || 'no version that is known'}, and every other one${flags === '' ? '' : ` ${flags}`}`;
}

function words({ signal, shutdown, resume, checkpoint }: Lifecycle): Record<string, string> {
  const toWhom =
    signal.to === 'steps' ? 'every process of the step' : 'the batch shell, which then ends the step';
  return {
    signal: `${signal.name} to ${toWhom}, ${signal.lead} s before the time limit`,
    ...(shutdown && {
      launcher: `waits ${shutdown.seconds} s for its workers (${shutdown.by === 'fixed' ? 'cannot be set' : shutdown.by})`,
    }),
    ...(checkpoint && { checkpoint: checkpointWords(checkpoint) }),
    resume: resume.flag === undefined ? resume.why : `${resume.flag}: ${resume.why}`,
    requeue: resume.by === 'never' ? 'no' : 'yes',
  };
}

function checkpointWords({
  directory,
  name,
  complete = [],
  unfinished = [],
  tracker,
}: NonNullable<Lifecycle['checkpoint']>): string {
  const facts = [
    ...complete.map((file) => `with ${file}`),
    ...unfinished.map((file) => `without ${file}`),
    ...(tracker === undefined ? [] : [`up to the step in ${tracker}`]),
  ];
  return `${directory === undefined ? '' : `${directory}/`}${name}N; complete ${facts.join(', ')}`;
}
