import type { AttemptResult } from '../diagnosis/attempts.ts';
import type { FullDiagnosis } from '../diagnosis/diagnose.ts';
import type { Evidence } from '../diagnosis/finding.ts';
import type { Cause, Reason } from '../diagnosis/rank.ts';
import type { NodeState } from '../slurm/sinfo.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';

type Style = Terminal['style'];

const REASONS: Readonly<Record<Reason, string>> = {
  'slurm-or-kernel-verdict': 'Slurm or the kernel says so',
  'named-by-what-failed': 'what failed names it itself',
  'application-message': 'a message of the application',
  'generic-message': 'a general message',
  confirmed: 'other lines confirm it',
  'explains-others': 'it explains the other errors',
  'others-compete': 'other causes are possible too',
  recurring: 'another attempt ended by it too',
  'only-cascade': 'it usually follows from something else, and nothing shows what',
};

function nodeLine({ node, state, reason, by, since }: NodeState): string {
  const whose = [since ? ` since ${since}` : '', by ? ` by ${by}` : '', reason === null ? '' : `: ${reason}`];
  return printable(`  node ${node} is ${state}${whose.join('')}`);
}

/**
 * What a person reads: the cause, why, its lines, what to do; then what stands behind it.
 * @param nodes those of the job that are not well.
 */
export function reportLines(
  { status, causes, ruledOut, seen, readings, slurm, suspect, attempts }: FullDiagnosis,
  nodes: readonly NodeState[],
  all: boolean,
  style: Style,
): string[] {
  const [first, ...others] = causes;
  const heading =
    first === undefined
      ? [headline({ status, seen, readings }, style), ...readLines(readings)]
      : causeLines(first, style);
  const behind = all ? others.flatMap((cause) => ['', ...causeLines(cause, style)]) : also(others);
  return [
    ...heading,
    ...(seen.length > 0 ? ['What was seen:', ...seen.map(quoted)] : []),
    ...(suspect === null ? [] : ['', suspectLine(suspect)]),
    ...(slurm === null ? [] : ['', printable(slurm)]),
    ...attempts.flatMap(attemptLines),
    ...nodes.map(nodeLine),
    ...behind,
    ...(ruledOut.length > 0 && (all || first === undefined) ? ['', 'Ruled out:'] : []),
    ...(all || first === undefined
      ? ruledOut.flatMap(({ fault, reason, evidence }) => [`  ${fault}: ${reason}`, ...evidence.map(quoted)])
      : []),
  ];
}

function headline(
  { status, seen, readings }: Pick<FullDiagnosis, 'status' | 'seen' | 'readings'>,
  style: Style,
): string {
  if (status === 'healthy') return style('green', 'healthy: nothing in it ended the run');
  return style('yellow', `unknown: ${whyUnknown(seen.length > 0, readings)}`);
}

function whyUnknown(failed: boolean, readings: FullDiagnosis['readings']): string {
  if (failed) return 'something failed, and no line says why. Read the logs of all ranks.';
  if (readings.every(({ legibility }) => legibility === 'empty')) return 'there was nothing to read';
  return 'nothing that could be read ended the run, but not all of it could be read';
}

function readLines(readings: FullDiagnosis['readings']): string[] {
  return readings.map(({ name, lines }) => `  read ${printable(name)}: ${lines} lines`);
}

function causeLines(cause: Cause, style: Style): string[] {
  const { fault, confidence, summary, why, evidence, remedies } = cause;
  return [
    `${style('bold', style('red', fault))}  ${summary}`,
    `  confidence ${Math.round(confidence * 100)} %: ${why.map((reason) => REASONS[reason]).join('; ')}`,
    ...evidence.map((line, index) => `${index === 0 ? style('bold', '>') : ' '} ${quoted(line).trimStart()}`),
    ...(remedies.length > 0 ? ['What to do:'] : []),
    ...remedies.flatMap(({ level, command, summary: text }) => [`  ${level}  ${command}`, `      ${text}`]),
    `More: opsctl runbook show ${fault}`,
  ];
}

function quoted({ file, line, text, rank, node }: Evidence): string {
  const place = file === null ? '' : `${file}:${line ?? ''}: `;
  const who = [rank === null ? [] : [`rank ${rank}`], node === null ? [] : [node]].flat().join(', ');
  return `    ${printable(place)}${who === '' ? '' : `[${printable(who)}] `}${printable(text)}`;
}

function attemptLines({ attempt, decisive, slurm, status, fault, evidence }: AttemptResult): string[] {
  const said = slurm === null ? '' : ` (${printable(slurm)})`;
  const line = `  attempt ${attempt}: ${fault ?? status}${said}`;
  return decisive ? [`${line}: the one above`] : [line, ...evidence.map(quoted)];
}

function suspectLine({ rank, node, why }: NonNullable<FullDiagnosis['suspect']>): string {
  return `Look at rank ${rank}${node === null ? '' : ` on ${printable(node)}`} first: ${why}.`;
}

function also(others: readonly Cause[]): string[] {
  if (others.length === 0) return [];
  return ['', `Possible too: ${others.map(({ fault }) => fault).join(', ')} (--all shows them)`];
}
