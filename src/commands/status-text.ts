import type { RunStatus } from '../run/status-document.ts';
import { formatDuration } from '../slurm/duration.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import { table } from '../terminal/table.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';

type Style = Terminal['style'];

const COLOURS = {
  active: 'cyan',
  ok: 'green',
  failed: 'red',
  cancelled: 'yellow',
  unknown: 'yellow',
} as const;

/** The runs as a table. */
export function statusTable(statuses: readonly RunStatus[], style: Style): string[] {
  const rows = statuses.map((status) => [
    printable(status.runId ?? ''),
    status.jobId ?? '-',
    style(COLOURS[status.outcome], status.state),
    time(status),
    nodeNames(status),
    printable(status.reason ?? ''),
  ]);
  const header = ['RUN', 'JOB', 'STATE', 'TIME', 'NODES', 'REASON'].map((title) => style('bold', title));
  return table([header, ...rows]);
}

/** One run as lines of `name  value`; what is not known is left out. */
export function statusLines(status: RunStatus, style: Style): string[] {
  const { metrics, checkpoint } = status;
  const lines: [string, string | null][] = [
    ['run', status.runId],
    ['job', status.jobId],
    ['state', style(COLOURS[status.outcome], status.state) + stateDetails(status)],
    ['kind', status.phase && `${status.phase} with ${status.trainer}`],
    ['pipeline', status.pipeline ? `stage ${status.pipeline.stage} of ${status.pipeline.id}` : null],
    ['sweep', sweep(status)],
    ['user', status.user],
    ['nodes', nodeNames(status) || null],
    ['time', time(status) || null],
    ['start', status.elapsedSeconds ? null : status.startAt],
    ['attempts', isWorthTelling(status) ? attempts(status) : null],
    ['step', metrics.step === null ? null : progress(status)],
    ['loss', loss(status)],
    ['speed', speed(status)],
    ['data', tokens(status)],
    ['ETA', status.etaSeconds === null ? null : formatDuration(status.etaSeconds)],
    ['checkpoint', checkpoint && `${checkpoint.path} (${checkpoint.modifiedAt})`],
    ['directory', status.outputDir],
    ['log', status.log],
    ['script', status.script],
    ...status.notes.map((note): [string, string] => ['note', note]),
    ['next', status.next],
  ];
  return table(
    lines.flatMap(([name, value]) =>
      value === null || value === '' ? [] : [[style('dim', name), shown(name, value)]],
    ),
  );
}

/** The state carries our own colour; everything else may hold anything. */
function shown(name: string, value: string): string {
  return name === 'state' ? value : printable(value);
}

function sweep({ sweep: task }: RunStatus): string | null {
  if (!task) return null;
  const values = Object.entries(task.values).map(([name, value]) => `${name}=${value}`);
  return `task ${task.task} of ${task.id}: ${values.join(' ')}`;
}

function tokens({ tokens: totals }: RunStatus): string | null {
  const parts = Object.entries(totals ?? {}).map(([what, count]) => `${what}: ${count}`);
  return parts.length === 0 ? null : parts.join(', ');
}

function stateDetails(status: RunStatus): string {
  const details = [
    status.reason,
    status.exitCode ? `exit code ${status.exitCode}` : null,
    status.signal === null ? null : `signal ${status.signal}`,
    status.source === 'attempt' ? "by the job's own record" : null,
  ].filter((detail) => detail !== null);
  return details.length === 0 ? '' : printable(` (${details.join(', ')})`);
}

function nodeNames({ nodes, nodeCount, state }: RunStatus): string {
  if (nodes.length > 0) return printable(compressHostlist(nodes));
  return nodeCount && state === 'PENDING' ? `${nodeCount} wanted` : '';
}

function time({ elapsedSeconds, limitSeconds }: RunStatus): string {
  if (elapsedSeconds === null) return '';
  return (
    formatDuration(elapsedSeconds) + (limitSeconds === null ? '' : ` of ${formatDuration(limitSeconds)}`)
  );
}

/** Of the only attempt the state says all, unless another one is to follow it. */
function isWorthTelling({ attempts: all, state }: RunStatus): boolean {
  return all.length > (state === 'PENDING' ? 0 : 1) || all.some(({ requeued }) => requeued === true);
}

function attempts(status: RunStatus): string {
  return status.attempts
    .map(({ attempt, exitCode, endedAt, reason, requeued, refused }) => {
      const unfit = refused === undefined ? '' : ` refused ${printable(compressHostlist(refused))}`;
      const why = reason ? `${reason}${unfit}${requeued ? ', requeued' : ''}, ` : '';
      const end = endedAt === null ? 'not ended' : `${why}exit code ${exitCode ?? 'unknown'}`;
      return `${attempt}: ${end}`;
    })
    .join(', ');
}

function progress({ metrics: { step, totalSteps, epoch } }: RunStatus): string {
  const share = totalSteps ? ` (${Math.floor((100 * (step ?? 0)) / totalSteps)} %)` : '';
  const ofEpoch = epoch === null ? '' : `, epoch ${epoch}`;
  return `${step}${totalSteps === null ? '' : ` of ${totalSteps}`}${share}${ofEpoch}`;
}

function loss({ metrics }: RunStatus): string | null {
  const parts = [
    metrics.diverged && metrics.loss === null ? 'not a number' : metrics.loss,
    metrics.evalLoss === null ? null : `evaluation ${metrics.evalLoss}`,
    metrics.learningRate === null ? null : `learning rate ${metrics.learningRate}`,
    metrics.gradNorm === null ? null : `gradient norm ${metrics.gradNorm}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}

function speed({ metrics }: RunStatus): string | null {
  const { tokensPerSecond, tgs, tgsSource, secondsPerStep } = metrics;
  const parts = [
    tokensPerSecond === null ? null : `${Math.round(tokensPerSecond)} tokens/s`,
    tgs === null
      ? null
      : `${Math.round(tgs)} tokens/GPU/s${tgsSource === 'computed' ? ' at most (computed, padding counted)' : ''}`,
    secondsPerStep === null ? null : `${Number(secondsPerStep.toPrecision(3))} s/step`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}
