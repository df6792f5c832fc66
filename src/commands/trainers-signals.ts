import type { Lifecycle } from '../template/lifecycle-schema.ts';
import type { Runnable } from './trainers-runnable.ts';

/** A row of the table, and what it is for. */
interface Row {
  readonly trainer: string;
  readonly runs: readonly string[];
  readonly lifecycle: Lifecycle;
}

/** How each trainer is told to stop and how it goes on: lines for a person, one block for each row of the table. */
export function showSignals(runnables: readonly Runnable[]): string[] {
  return rowsOf(runnables).flatMap(({ trainer, runs, lifecycle }, index) => [
    ...(index === 0 ? [] : ['']),
    `${trainer}: ${runs.join(', ')} (read from ${lifecycle.version})`,
    ...Object.entries(words(lifecycle)).map(([name, text]) => `  ${name.padEnd(11)} ${text}`),
  ]);
}

/** Programs of a trainer that behave alike share a row. */
function rowsOf(runnables: readonly Runnable[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { trainer, phase, stage, lifecycle } of runnables) {
    if (lifecycle === null) continue;
    const key = JSON.stringify([trainer, lifecycle]);
    const runs = [...(rows.get(key)?.runs ?? []), stage ?? phase];
    rows.set(key, { trainer, runs, lifecycle });
  }
  return [...rows.values()].sort((a, b) => a.trainer.localeCompare(b.trainer, 'en'));
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
