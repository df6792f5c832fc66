import type { Evidence } from '../diagnosis/finding.ts';
import type { Diagnosis } from '../diagnosis/rank.ts';
import { UsageError } from '../errors.ts';
import { expandHostlist } from '../slurm/hostlist.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { Action } from './act.ts';
import type { RunMemories, RunMemory, Trouble } from './memory.ts';
import { alertOf, type Scene, said } from './rule.ts';

/** An end that is told of a run, with its cause as far as one is known. */
export interface BadEnd {
  readonly runId: string;
  readonly memory: RunMemory;
  readonly job: Pick<SlurmJob, 'jobId' | 'state'> | undefined;
  readonly attempt: string;
  /** Hostlist of its nodes, where Slurm says it. */
  readonly ran?: string | undefined;
  readonly isRequeued: boolean;
  readonly diagnosis: Pick<Diagnosis, 'status' | 'causes'>;
}

/** Ends that are part of the plan when the job goes on by itself behind them. */
export const ORDINARY: readonly string[] = ['preempted', 'time-limit'];
const QUOTED = 4;

export function troubleOf(end: BadEnd, now: Date): Trouble {
  const { runId, memory, job, attempt, ran, isRequeued, diagnosis } = end;
  const [cause] = diagnosis.status === 'diagnosed' ? diagnosis.causes : [];
  const fault = cause?.fault ?? (isRequeued ? 'requeued' : 'failed');
  const step = memory.progress?.step ?? null;
  const at = step === null ? '' : ` at step ${step}`;
  const what = isRequeued
    ? `was put back into the queue${at}`
    : `ended as ${job?.state.word ?? 'unknown'}${at}`;
  const why = cause?.summary ?? 'No runbook knows why.';
  const nodes = namedNodes(cause?.evidence ?? [], nodesOf(ran));
  const quotes = (cause?.evidence ?? [])
    .slice(0, QUOTED)
    .map(({ file, line, text }) => ({ file, line, text }));
  const alert = alertOf(
    { now },
    {
      fault,
      target: `${runId} ended`,
      severity: !isRequeued ? 'critical' : ORDINARY.includes(fault) ? 'info' : 'warning',
      summary: `job ${job?.jobId ?? memory.jobId} ${what}: ${why}`,
      runs: [runId],
      nodes,
      evidence: quotes.length > 0 ? quotes : [said(`Slurm: job ${job?.jobId} is ${job?.state.word}`)],
      command: `opsctl runbook run ${runId}`,
    },
  );
  return { alert, attempt, step, ...(ran === undefined || ran === '' ? {} : { ran }) };
}

/**
 * Nodes that the evidence blames. What Slurm says of a whole job names none of its nodes, and a word before a colon is a
 * node only when the attempt ran on it.
 */
function namedNodes(evidence: readonly Pick<Evidence, 'node'>[], ran: readonly string[]): string[] {
  const own = new Set(ran);
  const names = evidence.flatMap(({ node }) => {
    const [name, ...more] = nodesOf(node ?? undefined);
    return name === undefined || more.length > 0 || (own.size > 0 && !own.has(name)) ? [] : [name];
  });
  return [...new Set(names)];
}

/** The nodes of a hostlist; what is none says nothing, and no look fails of it. */
export function nodesOf(hostlist = ''): string[] {
  try {
    return expandHostlist(hostlist);
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** Told for so long when nobody does anything about it; then it is history. */
const FORGET_MS = 24 * 3_600_000;
/** A run whose steps cannot be read has recovered when it has run for so long. */
const RECOVERED_MS = 15 * 60_000;

/** Why a trouble is over, or null while it is not. Pure. */
export function overBecause(
  trouble: Trouble,
  memory: RunMemory,
  job: SlurmJob | undefined,
  now: Date,
): string | null {
  const since = Date.parse(trouble.alert.since);
  if (memory.over === 'COMPLETED') return 'the run finished';
  if (memory.over === 'CANCELLED') return 'it was cancelled';
  if (now.getTime() - since > FORGET_MS) return 'a day has passed';
  if (job?.state.phase !== 'running' || memory.progress === null) return null;
  const { step, began } = memory.progress;
  if (step !== null && (trouble.step === null || step > trouble.step)) return 'it came further than before';
  return now.getTime() - Math.max(since, began) > RECOVERED_MS ? 'it has run for a while again' : null;
}

/** The few of perhaps ten thousand, which are walked and not copied. */
export function troubledRuns(runs: RunMemories): (readonly [string, RunMemory, Trouble])[] {
  const troubled: (readonly [string, RunMemory, Trouble])[] = [];
  for (const [runId, run] of runs) if (run.trouble !== null) troubled.push([runId, run, run.trouble]);
  return troubled;
}

/** Troubles that are over are forgotten, so that their alerts are told as resolved. Pure. */
export function withoutOver(
  runs: RunMemories,
  { runs: watched, now }: Pick<Scene, 'runs' | 'now'>,
): RunMemories {
  const troubled = troubledRuns(runs);
  if (troubled.length === 0) return runs;
  const jobs = new Map(watched.map(({ runId, job }) => [runId, job]));
  const left = new Map(runs);
  for (const [runId, run, trouble] of troubled)
    if (overBecause(trouble, run, jobs.get(runId), now) !== null) left.set(runId, { ...run, trouble: null });
  return left;
}

/** The trouble with what was done about it, so that the message says so. */
export function withAction(trouble: Trouble, action: Action): Trouble {
  const { alert } = trouble;
  return { ...trouble, alert: { ...alert, evidence: [...linesOf(action).map(said), ...alert.evidence] } };
}

/** What was done, proposed or held back, a line each. */
export function linesOf({ steps, held }: Action): string[] {
  const words = steps.map(
    ({ action, command, result, said: outcome }) =>
      `${result}: ${action}: ${command.join(' ')}${outcome === '' ? '' : ` (${outcome})`}`,
  );
  return held === null ? words : [...words, `not done: ${held}`];
}
