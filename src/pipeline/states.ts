import type { OpsError } from '../errors.ts';
import type { Manifest } from '../run/manifest.ts';
import { readRun } from '../run/registry.ts';
import { type Known, knowRuns } from '../run/status.ts';
import { isActive } from '../slurm/states.ts';
import type { System } from '../system/system.ts';
import type { PipelineRecord, StageRecord } from './record.ts';

/**
 * - `planned`: Slurm was not given it yet; `never`: it was cancelled before it started
 * - `skipped`: it waited for the failure of a stage that has ended well
 * - `unknown`: it may have run; nobody can say how it ended
 */
export type StageOutcome = 'planned' | 'active' | 'ok' | 'failed' | 'never' | 'skipped' | 'unknown';

/** What `opsctl pipeline status --json` prints of a stage. */
export interface StageState {
  readonly stage: string;
  readonly runId: string;
  readonly jobId: string | null;
  readonly phase: string;
  readonly trainer: string;
  readonly after: readonly string[];
  readonly when: StageRecord['when'];
  /** Slurm's word, or UNKNOWN. */
  readonly state: string;
  readonly outcome: StageOutcome;
  readonly reason: string | null;
  readonly elapsedSeconds: number | null;
  readonly outputDir: string;
}

/** The state of every stage, with one squeue and one sacct. */
export async function stageStates(
  system: System,
  record: PipelineRecord,
): Promise<{ states: readonly StageState[]; failure: OpsError | undefined }> {
  const manifests = await Promise.all(record.stages.map(({ runId }) => readRun(system, runId)));
  const there = manifests.flatMap((manifest) => manifest ?? []);
  const { known, failure } = await knowRuns(system, there);
  const byRun = new Map(there.map((manifest, index) => [manifest.runId, { manifest, known: known[index] }]));
  const states = record.stages.map((stage) => {
    const found = byRun.get(stage.runId);
    return stateOf(stage, found?.manifest, found?.known);
  });
  return { states: withSkipped(states), failure };
}

/** What stands by for a failure is not missing when there was none. */
function withSkipped(states: readonly StageState[]): StageState[] {
  const outcomes = new Map<string, StageOutcome>();
  return states.map((state) => {
    const isOver = state.after.every((name) => ['ok', 'skipped'].includes(outcomes.get(name) ?? ''));
    const skipped = state.outcome === 'never' && state.when === 'notok' && isOver;
    outcomes.set(state.stage, skipped ? 'skipped' : state.outcome);
    return skipped ? { ...state, outcome: 'skipped', state: 'SKIPPED', reason: 'it was not needed' } : state;
  });
}

function stateOf(stage: StageRecord, manifest: Manifest | undefined, known: Known | undefined): StageState {
  const { name, runId, phase, trainer, after, when, outputDir } = stage;
  const outcome = manifest && known ? stageOutcome(manifest, known) : 'planned';
  const job = known?.knowledge.job;
  const word = known?.knowledge.state.word ?? 'UNKNOWN';
  return {
    stage: name,
    runId,
    jobId: known?.jobId ?? null,
    phase,
    trainer,
    after,
    when,
    state: outcome === 'planned' ? 'PLANNED' : outcome === 'never' ? 'CANCELLED' : word,
    outcome,
    reason: outcome === 'never' ? 'it never started' : (job?.reason ?? null),
    elapsedSeconds: job?.elapsedSeconds ?? null,
    outputDir,
  };
}

/** Pure. */
export function stageOutcome(manifest: Manifest, { jobId, knowledge, attempts }: Known): StageOutcome {
  if (jobId === null) return 'planned';
  const { state, answered } = knowledge;
  if (isActive(state)) return 'active';
  // A job writes its attempt down before anything else.
  const hasBegun = attempts.some((attempt) => attempt.jobId === (manifest.jobId ?? jobId));
  if (state.phase === 'ended') {
    if (state.outcome === 'ok') return 'ok';
    return state.outcome === 'cancelled' && !hasBegun ? 'never' : 'failed';
  }
  // Slurm answers and knows no such job, and it never began.
  return answered && !hasBegun ? 'never' : 'unknown';
}
