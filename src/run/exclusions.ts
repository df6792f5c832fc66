import { join } from 'node:path';
import { readSmallIfThere } from '../system/files.ts';
import { type System, stateHome } from '../system/system.ts';

/** A node that is kept out of this user's jobs for a while. */
export interface Exclusion {
  readonly node: string;
  /** Who excluded it, and why: one line. */
  readonly owner: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  readonly expires: string;
  /** The run that it was excluded for; null when a person did it. */
  readonly runId: string | null;
}

export function exclusionsPath(env: System['env']): string {
  return join(stateHome(env), 'exclusions.json');
}

/** The exclusions that hold now. A file that is not readable JSON excludes nothing: it must not stop a submission. */
export function liveExclusions(system: Pick<System, 'env' | 'now'>): Exclusion[] {
  const text = readSmallIfThere(exclusionsPath(system.env));
  return text === undefined ? [] : parseExclusions(text, system.now());
}

export function parseExclusions(text: string, now: Date): Exclusion[] {
  try {
    const found = JSON.parse(text) as unknown;
    return Array.isArray(found)
      ? (found as Exclusion[]).filter(
          ({ node, expires }) => typeof node === 'string' && Date.parse(expires) > now.getTime(),
        )
      : [];
  } catch {
    return [];
  }
}

/**
 * What to look at when Slurm refuses a job for a node that it does not know: a node may have left the cluster after it
 * was excluded. Undefined for every other refusal.
 */
export function exclusionHint(reason: string): string | undefined {
  return /invalid node name/i.test(reason) ? 'opsctl runbook exclusions' : undefined;
}
