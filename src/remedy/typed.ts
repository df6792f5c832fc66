import { join } from 'node:path';
import type { Manifest } from '../run/manifest.ts';
import { shellWord } from '../template/quote.ts';
import { printable } from '../terminal/terminal.ts';
import { type Act, type ActionName, type Change, isChanged } from './step.ts';

/**
 * What is only whole as a command of opsctl: the script is rendered anew and the run's record must know the job, or a
 * program is given on standard input.
 */
const MORE_THAN_ITS_COMMAND: ReadonlySet<ActionName> = new Set([
  'resubmit',
  'raise-limit',
  'clear-nccl-shm',
  'collect-evidence',
]);

/** What a person types to have exactly this act done: the command itself, or opsctl's where that alone is not the act. */
export function typedFor(
  action: ActionName,
  act: Act,
  command: readonly string[],
  nodes: string,
): readonly string[] {
  if (!MORE_THAN_ITS_COMMAND.has(action)) return command;
  const on = action === 'clear-nccl-shm' && nodes !== '' ? ['--node', nodes] : [];
  return [...runbookRun(act, action), ...on, ...changeWords(act.change), '--apply', '--yes'];
}

/** Words as they would be typed, on one line. */
export function commandLine(command: readonly string[]): string {
  return printable(command.map(quoted).join(' '));
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function runbookRun({ runId, jobId }: Act, only: string): string[] {
  return ['opsctl', 'runbook', 'run', runId ?? jobId ?? '', '--only', only];
}

function changeWords({ set, beforeStep }: Change): string[] {
  return [
    ...Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ...(beforeStep === null ? [] : ['--before-step', String(beforeStep)]),
  ];
}

/** What the next attempt does differently, for a line of text; empty when nothing is. */
export function changeText({ set, beforeStep }: Change): string {
  const words = Object.entries(set).map(([name, value]) => `${name}=${value}`);
  return [
    ...(words.length > 0 ? [`with ${words.join(', ')}`] : []),
    ...(beforeStep === null ? [] : [`from a checkpoint before step ${beforeStep}`]),
  ].join('; ');
}

/**
 * What takes a resubmission back: the job, then the checkpoints that were set aside for it, then the parameters.
 * @param id of the step: checkpoints that were set aside carry it in their names.
 */
export function undoOfResubmit(act: Act, run: Manifest | null, id: string): string {
  const { change } = act;
  const cancel = `opsctl cancel ${act.runId ?? act.jobId ?? ''}`;
  if (run === null || !isChanged(change)) return cancel;
  const mark = `set-aside-${id}-`;
  const directory = shellWord(join(run.outputDir, 'checkpoints'));
  const back = `find ${directory} -maxdepth 2 -name '${mark}*' -prune -exec sh -c 'mv -n "$1" "\${1%/*}/\${1##*/${mark}}"' sh {} ';'`;
  return [
    cancel,
    ...(change.beforeStep === null ? [] : [`then, for the checkpoints that were set aside: ${back}`]),
    ...parametersBack(act, run),
  ].join('; ');
}

/** A run keeps what it was last submitted with. */
function parametersBack(act: Act, { parameters }: Manifest): string[] {
  const names = Object.keys(act.change.set);
  if (names.length === 0) return [];
  const before = names.flatMap((name) => {
    const value = parameters[name]?.value ?? null;
    return value === null ? [] : [[name, String(value)] as const];
  });
  const unset = names.filter((name) => (parameters[name]?.value ?? null) === null);
  const old: Act = { ...act, change: { set: Object.fromEntries(before), beforeStep: null } };
  const words = commandLine([...runbookRun(old, 'resubmit'), ...changeWords(old.change)]);
  return [
    ...(before.length > 0 ? [`its next attempt as before: ${words}`] : []),
    ...unset.map((name) => `${name} was not set before and stays ${act.change.set[name]}`),
  ];
}
