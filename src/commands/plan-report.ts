import type { Diagnosed, Plan, Step } from '../remedy/step.ts';
import { commandLine } from '../remedy/typed.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';

type Style = Terminal['style'];

/** A plan as a person reads it: the cause, each step with what it touches, what is not done and why, what is left to do. */
export function planLines(plan: Plan, { status, causes }: Diagnosed, style: Style): string[] {
  const { runId, jobId, steps, refused, advice, evidence, exhausted } = plan;
  const subject = [runId === null ? [] : [`run ${runId}`], jobId === null ? [] : [`job ${jobId}`]].flat();
  // Also where a person wants something else done than its runbook says.
  const cause = status === 'diagnosed' ? causes[0] : undefined;
  const head =
    cause === undefined
      ? `${style('bold', subject.join(', '))}: ${status === 'healthy' ? 'nothing is wrong with it' : 'the cause is not known'}`
      : `${style('bold', subject.join(', '))}: ${style('red', cause.fault)} (${Math.round(cause.confidence * 100)} %). ${cause.summary}`;
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
    ...(cause === undefined ? [] : ['', `More: opsctl runbook show ${cause.fault}`]),
  ];
}

/** The same for a script: `command` is what a person types, `runs` what opsctl itself runs for it. */
export function planDocument(plan: Plan, { status, causes }: Diagnosed) {
  const { runId, jobId, refused, advice, level, exhausted } = plan;
  const steps = plan.steps.map(({ act: _, expects: __, command: runs, typed: command, ...step }) => ({
    ...step,
    command,
    runs,
  }));
  const fault = status === 'diagnosed' ? (causes[0]?.fault ?? null) : null;
  return { runId, jobId, status, fault, plan: { steps, refused, advice, level, exhausted } };
}

function stepLines({ action, typed, reason, blast, undo, level }: Step, number: number): string[] {
  const touched = [
    blast.jobs.length > 0 ? [`job ${blast.jobs.join(', ')}`] : [],
    blast.nodes.length > 0 ? [`node ${blast.nodes.join(', ')}`] : [],
    blast.gpuHours ? [`up to ${Number(blast.gpuHours.toFixed(1))} GPU-hours`] : [],
  ].flat();
  return [
    `  ${number}. L${level} ${action}`,
    `     run      ${commandLine(typed)}`,
    `     why      ${printable(reason)}`,
    `     touches  ${[...touched, blast.text].join('; ')}`,
    `     undo     ${undo ?? 'nothing takes it back'}`,
  ];
}
