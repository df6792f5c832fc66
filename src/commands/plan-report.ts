import type { Diagnosed, Plan, Step } from '../remedy/step.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';

type Style = Terminal['style'];

/** Words as they would be typed. */
export function commandLine(command: readonly string[]): string {
  return printable(command.map(quoted).join(' '));
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./[\]-]+$/.test(word) && !word.includes('[')
    ? word
    : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A plan as a person reads it: the cause, each step with what it touches, what is not done and why, what is left to do. */
export function planLines(plan: Plan, { status, causes }: Diagnosed, style: Style): string[] {
  const { runId, jobId, fault, steps, refused, advice, evidence, exhausted } = plan;
  const subject = [runId === null ? [] : [`run ${runId}`], jobId === null ? [] : [`job ${jobId}`]].flat();
  const cause = causes[0];
  const head =
    fault === null || cause === undefined
      ? `${style('bold', subject.join(', '))}: ${status === 'healthy' ? 'nothing is wrong with it' : 'the cause is not known'}`
      : `${style('bold', subject.join(', '))}: ${style('red', fault)} (${Math.round(cause.confidence * 100)} %). ${cause.summary}`;
  return [
    head,
    ...evidence.map((text) => `  > ${printable(text)}`),
    ...(exhausted
      ? [style('red', `EXHAUSTED: ${exhausted.restarts} restarts brought no newer checkpoint.`)]
      : []),
    ...(steps.length > 0 ? ['', 'What opsctl can do:'] : []),
    ...steps.flatMap((step, index) => stepLines(step, index + 1)),
    ...(refused.length > 0 ? ['', 'What it does not do:'] : []),
    ...refused.map(({ action, rail, why }) => `  ${action} (${rail}): ${printable(why)}`),
    ...(advice.length > 0 ? ['', 'What a person can do:'] : []),
    ...advice.flatMap(({ level, command, summary }) => [
      `  ${level}  ${printable(command)}`,
      `      ${summary}`,
    ]),
    ...(fault === null ? [] : ['', `More: opsctl runbook show ${fault}`]),
  ];
}

function stepLines({ action, command, reason, blast, undo, level }: Step, number: number): string[] {
  const touched = [
    blast.jobs.length > 0 ? [`job ${blast.jobs.join(', ')}`] : [],
    blast.nodes.length > 0 ? [`node ${blast.nodes.join(', ')}`] : [],
    blast.gpuHours ? [`up to ${Number(blast.gpuHours.toFixed(1))} GPU-hours`] : [],
  ].flat();
  return [
    `  ${number}. L${level} ${action}`,
    `     run      ${commandLine(command)}`,
    `     why      ${printable(reason)}`,
    `     touches  ${[...touched, blast.text].join('; ')}`,
    `     undo     ${undo ?? 'nothing takes it back'}`,
  ];
}
