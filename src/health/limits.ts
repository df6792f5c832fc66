import { UsageError } from '../errors.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { type Check, checkProblems } from './check-schema.ts';

export type Limits = Readonly<Record<string, string | number>>;

/**
 * The checks with a profile's thresholds in the place of the catalogue's.
 * @throws UsageError for a limit that no check has, and for one that its rules cannot compare.
 */
export function withLimits<T extends Check>(checks: readonly T[], limits: Limits): T[] {
  const known = new Set(checks.flatMap((check) => Object.keys(check.limits ?? {})));
  const stranger = Object.keys(limits).find((name) => !known.has(name));
  if (stranger !== undefined)
    throw new UsageError(
      `limits.${stranger}: no check has such a limit.${didYouMean(stranger, known)}`,
      '"opsctl checks show ID" names those of a check; "opsctl config" says where the value stands.',
    );
  return applyLimits(checks, limits);
}

/**
 * As withLimits, of checks that are not all there are: a limit that none of them has is another check's.
 * @throws UsageError for a limit that the rules of its check cannot compare.
 */
export function applyLimits<T extends Check>(checks: readonly T[], limits: Limits): T[] {
  return checks.map((check) => {
    const own = Object.entries(limits).filter(([name]) => Object.hasOwn(check.limits ?? {}, name));
    const changed = { ...check, limits: { ...check.limits, ...Object.fromEntries(own) } };
    const [problem] = checkProblems(changed);
    if (problem !== undefined) throw new UsageError(`limits of the profile: check ${check.id}: ${problem}`);
    return changed;
  });
}
