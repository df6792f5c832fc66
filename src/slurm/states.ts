/** Where a job is in its life, whatever its exact state word. */
export type Phase = 'pending' | 'running' | 'completing' | 'suspended' | 'ended' | 'unknown';
/** How an ended job ended; `unknown` for every job that has not. */
export type Outcome = 'ok' | 'failed' | 'cancelled' | 'unknown';

export interface JobState {
  /** Slurm's own word, as squeue and sacct print it, without `by UID`: `RUNNING`, `OUT_OF_MEMORY`, `UNKNOWN`. */
  readonly word: string;
  readonly phase: Phase;
  readonly outcome: Outcome;
}

/** "JOB STATE CODES" of squeue(1) and sacct(1), Slurm 20.11 to 25.05. A word that is not here is unknown, never failed. */
const STATES: Readonly<Record<string, readonly [Phase, Outcome]>> = {
  PENDING: ['pending', 'unknown'],
  CONFIGURING: ['pending', 'unknown'],
  REQUEUED: ['pending', 'unknown'],
  REQUEUE_FED: ['pending', 'unknown'],
  REQUEUE_HOLD: ['pending', 'unknown'],
  SPECIAL_EXIT: ['pending', 'unknown'],
  RESV_DEL_HOLD: ['pending', 'unknown'],
  RUNNING: ['running', 'unknown'],
  RESIZING: ['running', 'unknown'],
  SIGNALING: ['running', 'unknown'],
  EXPEDITING: ['pending', 'unknown'],
  SUSPENDED: ['suspended', 'unknown'],
  STOPPED: ['suspended', 'unknown'],
  COMPLETING: ['completing', 'unknown'],
  STAGE_OUT: ['completing', 'unknown'],
  COMPLETED: ['ended', 'ok'],
  FAILED: ['ended', 'failed'],
  TIMEOUT: ['ended', 'failed'],
  DEADLINE: ['ended', 'failed'],
  OUT_OF_MEMORY: ['ended', 'failed'],
  NODE_FAIL: ['ended', 'failed'],
  BOOT_FAIL: ['ended', 'failed'],
  LAUNCH_FAILED: ['ended', 'failed'],
  RECONFIG_FAIL: ['ended', 'failed'],
  PREEMPTED: ['ended', 'failed'],
  CANCELLED: ['ended', 'cancelled'],
  REVOKED: ['ended', 'cancelled'],
};

const USUAL: ReadonlyMap<string, JobState> = new Map(
  Object.entries(STATES).map(([word, [phase, outcome]]) => [word, { word, phase, outcome }]),
);

export const UNKNOWN_STATE: JobState = { word: 'UNKNOWN', phase: 'unknown', outcome: 'unknown' };

/** Reads a state as Slurm prints it: `RUNNING`, `CANCELLED by 1000`. */
export function jobState(text: string): JobState {
  // As nearly every record has it: ten thousand are read in one look.
  const usual = USUAL.get(text);
  if (usual !== undefined) return usual;
  const word = text.trim().split(/[\s+]/)[0]?.toUpperCase() ?? '';
  const known = STATES[word];
  if (known === undefined) return word === '' ? UNKNOWN_STATE : { ...UNKNOWN_STATE, word };
  return { word, phase: known[0], outcome: known[1] };
}

/** The job still holds or waits for nodes: it can be cancelled and followed. */
export function isActive(state: JobState): boolean {
  return state.phase !== 'ended' && state.phase !== 'unknown';
}
