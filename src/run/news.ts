import { OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { batchLog } from './log-files.ts';
import type { Manifest } from './manifest.ts';
import { saveManifest } from './registry.ts';
import type { Known } from './status.ts';
import { readTokenTotals } from './token-totals.ts';

/** The manifest with what was learned since it was written, or undefined when there is no news. */
export function withNews(
  manifest: Manifest,
  { jobId, attempts, knowledge }: Pick<Known, 'jobId' | 'attempts' | 'knowledge'>,
  tokens?: Manifest['tokens'],
): Manifest | undefined {
  const foundJob = manifest.jobId === null && jobId !== null;
  const newAttempts = attempts.length > 0 && JSON.stringify(attempts) !== JSON.stringify(manifest.attempts);
  const { state, source } = knowledge;
  const isSlurms = source === 'squeue' || source === 'sacct';
  // A job that was requeued by hand after its end lives again.
  const ended =
    isSlurms && state.phase !== 'unknown'
      ? state.phase === 'ended'
        ? state.word
        : undefined
      : manifest.ended;
  const newTokens = tokens !== undefined && manifest.tokens === undefined;
  if (!foundJob && !newAttempts && !newTokens && ended === manifest.ended) return undefined;
  const { ended: _, replaces, ...rest } = manifest;
  return {
    ...rest,
    ...(replaces === undefined || foundJob ? {} : { replaces }),
    ...(ended === undefined ? {} : { ended }),
    ...(foundJob ? { state: 'submitted' as const, jobId } : {}),
    ...(newAttempts ? { attempts } : {}),
    ...(newTokens ? { tokens } : {}),
  };
}

/**
 * Writes down what was learned about a run: the job of a submission that was cut short, and the attempts. A place
 * that cannot be written to (a full disk, somebody else's run) must not hide the state: then a sentence says so.
 */
export async function keepNews(system: System, manifest: Manifest, known: Known): Promise<string[]> {
  try {
    const hasBegun = manifest.tokens === undefined && known.attempts.length > 0;
    const tokens = hasBegun ? await readTokenTotals(batchLog(manifest.outputDir)) : undefined;
    const changed = withNews(manifest, known, tokens);
    if (changed === undefined) return [];
    await saveManifest(system, changed);
    return [];
  } catch (error) {
    if (error instanceof OpsError) return [`The manifest could not be brought up to date: ${error.message}.`];
    throw error;
  }
}
