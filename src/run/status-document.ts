import { expandHostlist } from '../slurm/hostlist.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { isActive, type Phase } from '../slurm/states.ts';
import type { Checkpoint } from './checkpoint.ts';
import { batchLog } from './log-files.ts';
import type { Attempt, Manifest } from './manifest.ts';
import { type Metrics, readMetrics } from './metrics.ts';
import type { Knowledge } from './state.ts';

/** What `opsctl status --json` prints of one run or job: a promise, fields may be added. Times are ISO 8601 in UTC. */
export interface RunStatus {
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly phase: string | null;
  readonly trainer: string | null;
  readonly user: string | null;
  /** Slurm's word, or UNKNOWN. */
  readonly state: string;
  readonly outcome: 'active' | 'ok' | 'failed' | 'cancelled' | 'unknown';
  /** Who said so. */
  readonly source: Knowledge['source'];
  readonly reason: string | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly partition: string | null;
  readonly nodes: readonly string[];
  readonly nodeCount: number | null;
  readonly submittedAt: string | null;
  /** When it started, or is expected to. */
  readonly startAt: string | null;
  readonly endedAt: string | null;
  readonly elapsedSeconds: number | null;
  readonly limitSeconds: number | null;
  readonly attempts: readonly Attempt[];
  readonly metrics: Metrics;
  /** Seconds to the last step at the present pace. */
  readonly etaSeconds: number | null;
  readonly checkpoint: Checkpoint | null;
  readonly outputDir: string | null;
  readonly log: string | null;
  readonly script: string | null;
  /** Token totals that the trainer printed at its start, by what they are of. */
  readonly tokens: Manifest['tokens'] | null;
  readonly pipeline: Manifest['pipeline'] | null;
  readonly sweep: Manifest['sweep'] | null;
  /** The command to type next. */
  readonly next: string;
  readonly notes: readonly string[];
}

/** The script's exit code after a signal: sysexits.h, EX_TEMPFAIL. */
const STOPPED = 75;

interface Parts {
  readonly manifest?: Manifest;
  readonly knowledge: Knowledge;
  readonly jobId: string | null;
  readonly attempts: readonly Attempt[];
  readonly metrics?: Metrics;
  readonly checkpoint?: Checkpoint | null;
  readonly notes: readonly string[];
}

/** Puts the document together from what was read. */
export function statusOf(parts: Parts): RunStatus {
  const { manifest, knowledge, jobId, attempts, checkpoint = null } = parts;
  const metrics = parts.metrics ?? readMetrics('');
  const { state, job } = knowledge;
  const last = attempts.at(-1);
  return {
    runId: manifest?.runId ?? null,
    jobId,
    phase: manifest?.phase ?? null,
    trainer: manifest?.trainer ?? null,
    user: manifest?.user ?? job?.user ?? null,
    state: state.word,
    outcome: isActive(state) ? 'active' : state.outcome,
    source: knowledge.source,
    reason: job?.reason ?? null,
    exitCode: knowledge.exitCode,
    signal: knowledge.signal,
    partition: job?.partition ?? null,
    nodes: job?.nodes ? expandHostlist(job.nodes) : state.phase === 'pending' ? [] : (last?.nodes ?? []),
    nodeCount: job?.nodeCount ?? last?.nodes.length ?? null,
    submittedAt: iso(job?.submitTime) ?? manifest?.createdAt ?? null,
    startAt: iso(job?.startTime) ?? last?.startedAt ?? manifest?.estimatedStart ?? null,
    endedAt: iso(job?.endTime) ?? (state.phase === 'ended' ? (last?.endedAt ?? null) : null),
    elapsedSeconds: job?.elapsedSeconds ?? recordedSeconds(last),
    limitSeconds: job?.limitSeconds ?? null,
    attempts,
    metrics,
    etaSeconds: state.phase === 'running' ? eta(metrics, job, attempts) : null,
    checkpoint,
    outputDir: manifest?.outputDir ?? null,
    log: manifest === undefined ? null : batchLog(manifest.outputDir),
    script: manifest?.script ?? null,
    tokens: manifest?.tokens ?? null,
    pipeline: manifest?.pipeline ?? null,
    sweep: manifest?.sweep ?? null,
    next: nextCommand(manifest?.runId, jobId, state.phase),
    notes: [
      ...parts.notes,
      ...knowledge.notes,
      ...(last?.reason === 'gate' && last.because !== undefined
        ? [`The gate ${last.requeued ? 'left nodes out' : 'stopped it'}: ${last.because}`]
        : []),
      ...(manifest && state.outcome === 'failed' && knowledge.exitCode === STOPPED
        ? [
            'A signal stopped it before its end, such as the one before the time limit; its checkpoint is kept.',
          ]
        : []),
      ...(metrics.diverged
        ? ['The newest loss or gradient norm is not a number: the run has diverged.']
        : []),
    ],
  };
}

function iso(seconds: number | null | undefined): string | null {
  return seconds === null || seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}

function recordedSeconds(attempt: Attempt | undefined): number | null {
  const milliseconds = Date.parse(attempt?.endedAt ?? '') - Date.parse(attempt?.startedAt ?? '');
  return Number.isNaN(milliseconds) ? null : Math.round(milliseconds / 1000);
}

/** By the printed pace; else by the time so far, which a resumed attempt's does not tell: its first steps are older. */
function eta(metrics: Metrics, job: SlurmJob | undefined, attempts: readonly Attempt[]): number | null {
  const { step, totalSteps, secondsPerStep } = metrics;
  if (step === null || totalSteps === null) return null;
  const elapsed = job?.elapsedSeconds ?? null;
  const average = attempts.length <= 1 && elapsed !== null && step > 0 ? elapsed / step : null;
  const pace = secondsPerStep ?? average;
  return pace === null ? null : Math.round(Math.max(0, totalSteps - step) * pace);
}

function nextCommand(runId: string | undefined, jobId: string | null, phase: Phase): string {
  if (phase === 'unknown') return runId === undefined ? 'opsctl status' : `opsctl logs ${runId}`;
  return `opsctl logs ${runId ?? jobId}${phase === 'ended' ? '' : ' -f'}`;
}
