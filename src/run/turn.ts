import { EXIT, OpsError, UsageError } from '../errors.ts';
import type { System } from '../system/system.ts';
import type { Manifest } from './manifest.ts';
import { claimFingerprint, readRun, releaseFingerprint, replaceFingerprint } from './registry.ts';
import { knowTarget } from './status.ts';

/** A cluster that is busy with one submission is not asked for ever. */
const MAX_TRIES = 3;

/**
 * Takes the right to submit a thing for a run. Of two submissions at the same moment one gets it; one after another
 * gets it only when the earlier run has certainly ended.
 * @throws UsageError naming the run that has it, and its state.
 */
export async function claimTurn(system: System, fingerprint: string, runId: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const holder = await claimFingerprint(system, fingerprint, runId);
    if (holder === undefined) return;
    // A manifest is written before its claim: a claim without one is what a crash left of a run taken back.
    const other = await readRun(system, holder);
    const life = other ? await lifeOf(system, other) : 'ended';
    if (life !== 'ended') {
      throw new UsageError(
        `the same thing was submitted before, as run ${holder}${other?.jobId ? ` (job ${other.jobId})` : ''}: ${life}`,
        `See "opsctl status ${holder}". To submit it a second time all the same, give --again.`,
      );
    }
    await releaseFingerprint(system, fingerprint, holder);
  }
  throw new OpsError('another opsctl is submitting the same thing at this moment', {
    exitCode: EXIT.tryAgain,
  });
}

/** Takes the right over from whoever has it. It is a notice for a person: that it could not be written fails nothing. */
export async function takeTurn(system: System, fingerprint: string, runId: string): Promise<void> {
  await replaceFingerprint(system, fingerprint, runId).catch(() => undefined);
}

/** `ended`, or in words what it is: silence is not an end. */
async function lifeOf(system: System, manifest: Manifest): Promise<string> {
  const { outcome, knowledge } = await knowTarget(system, { kind: 'run', manifest });
  const { state } = knowledge;
  if (state.phase === 'ended' || outcome === 'never-accepted') return 'ended';
  return state.phase === 'unknown' ? 'whether it has ended is not known' : `it is ${state.word}`;
}
