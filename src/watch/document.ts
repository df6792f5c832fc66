import type { Action } from './act.ts';
import type { ShownAlert, Tick } from './tick.ts';

/** What `opsctl watch --once --json` prints: a promise, fields may be added. Times are ISO 8601 in UTC. */
export interface TickDocument {
  readonly tick: number;
  readonly at: string;
  readonly blind: boolean;
  readonly runs: readonly {
    readonly runId: string;
    readonly jobId: string | null;
    /** Slurm's word, or UNKNOWN. */
    readonly state: string;
    readonly step: number | null;
    /** What it is at: start, step, evaluation or checkpoint; null while it does not run. */
    readonly stage: string | null;
    /** Tokens per GPU per second. */
    readonly tgs: number | null;
  }[];
  readonly alerts: readonly ShownAlert[];
  readonly actions: readonly Action[];
  readonly slurmCalls: number;
  readonly deliveries: readonly {
    readonly receiver: string;
    readonly status: string;
    readonly detail: string;
  }[];
  readonly notes: readonly string[];
}

export function documentOf({
  tick,
  at,
  blind,
  runs,
  alerts,
  actions,
  slurmCalls,
  told,
  notes,
}: Tick): TickDocument {
  return {
    tick,
    at,
    blind,
    runs: runs.map(({ runId, memory, job }) => {
      const progress = job?.state.phase === 'running' ? memory.progress : null;
      return {
        runId,
        jobId: job?.jobId ?? memory.jobId,
        state: job?.state.word ?? memory.over ?? 'UNKNOWN',
        step: progress?.step ?? null,
        stage: progress?.stage ?? null,
        tgs: progress?.speeds.at(-1) ?? null,
      };
    }),
    alerts,
    actions,
    slurmCalls,
    deliveries: told.deliveries.map(({ receiver, status, detail }) => ({ receiver, status, detail })),
    notes,
  };
}
