import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import { complaintOf, slurm } from '../slurm/command.ts';
import { isActive } from '../slurm/states.ts';
import { currentUser, type System } from '../system/system.ts';
import { keepNews } from './news.ts';
import { type Known, knowTarget } from './status.ts';
import type { Target } from './target.ts';

/** What `opsctl cancel --json` prints: the states are Slurm's words, or UNKNOWN. */
export interface Cancellation {
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly before: string;
  readonly after: string;
}

export type CancelOutcome = 'had-ended' | 'ended' | 'ending' | 'signalled' | 'still-active' | 'unknown';

export interface CancelResult extends Cancellation {
  readonly outcome: CancelOutcome;
}

/** A job that has its signal needs some seconds to die; afterwards only waiting helps. */
const LOOKS = 12;
const PAUSE_MS = 400;

/**
 * Cancels one job of this user, or sends it a signal, and says what state it was found in afterwards: scancel
 * answers 0 also for jobs that it could not cancel, and fails for ones that have just ended.
 * @throws OpsError 75 or 69 when Slurm does not answer, 1 when the job is somebody else's or scancel was refused.
 */
export async function cancel(
  system: System,
  target: Target,
  signal: string | undefined,
): Promise<CancelResult> {
  if (signal !== undefined && !/^(?:[A-Z][A-Z0-9]{1,9}|\d{1,2})$/i.test(signal)) {
    throw new UsageError(`"${signal}" is no signal`, 'Write it as USR1, TERM or 10.');
  }
  const known = await knowTarget(system, target);
  const names = { runId: target.kind === 'run' ? target.manifest.runId : null, jobId: known.jobId };
  const before = known.knowledge.state;
  if (known.failure && before.phase !== 'ended') throw known.failure;
  const found = { ...names, before: before.word, after: before.word };
  if (before.phase === 'ended') return { ...found, outcome: 'had-ended' };
  if (!isActive(before) || known.jobId === null) return { ...found, outcome: 'unknown' };
  refuseOthers(known);

  const answer = await slurm(system, ['scancel', ...(signal ? [`--signal=${signal}`] : []), known.jobId]);
  // A job that ends by itself at this moment makes scancel fail: the state decides.
  const after = await look(system, target, signal === undefined);
  if (target.kind === 'run') await keepNews(system, target.manifest, after);
  const outcome = judge(after, signal !== undefined);
  if (!answer.ok && (outcome === 'still-active' || outcome === 'signalled')) {
    throw new OpsError(`scancel was refused: ${complaintOf(answer)}`, { exitCode: EXIT.failed });
  }
  return { ...found, after: after.knowledge.state.word, outcome };
}

function refuseOthers({ knowledge, jobId }: Known): void {
  const owner = knowledge.job?.user;
  if (owner === undefined || owner === currentUser()) return;
  throw new OpsError(`job ${jobId} is ${owner}'s, not yours`, {
    exitCode: EXIT.failed,
    hint: `opsctl cancels your own jobs only. An operator can: scancel ${jobId}`,
  });
}

async function look(system: System, target: Target, untilEnded: boolean): Promise<Known> {
  for (let count = 1; ; count++) {
    const known = await knowTarget(system, target);
    if (!untilEnded || count === LOOKS || known.failure || known.knowledge.state.phase === 'ended')
      return known;
    await sleep(PAUSE_MS);
  }
}

function judge({ knowledge: { state } }: Known, signalled: boolean): CancelOutcome {
  if (state.phase === 'ended') return 'ended';
  if (state.phase === 'completing') return 'ending';
  if (!isActive(state)) return 'unknown';
  return signalled ? 'signalled' : 'still-active';
}
