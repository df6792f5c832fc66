import type { Profile } from '../config/schema.ts';
import { loadChecks } from '../health/catalogue.ts';
import type { Check } from '../health/check-schema.ts';
import { applyLimits, type Limits, withLimits } from '../health/limits.ts';
import type { System } from '../system/system.ts';
import type { Template } from '../template/load.ts';
import type { ResolvedParameters } from '../template/resolve.ts';
import { gateChecks } from './gate.ts';
import { valuesOf } from './plan.ts';

/** The same for all runs of a sweep, which are planned one by one. */
const loaded = new WeakMap<Template, Map<string, Promise<readonly Check[]>>>();

/**
 * What a run's nodes will be asked: the package's checks that it needs and the site's own, with the thresholds of its trainer
 * and, above those, of the profile.
 * @throws UsageError for a limit in the profile that no check has.
 */
export function loadGateChecks(
  system: System,
  profile: Profile,
  template: Template,
  parameters: ResolvedParameters,
): Promise<readonly Check[]> {
  const wanted = gateChecks(template, valuesOf(parameters));
  const known = loaded.get(template) ?? new Map<string, Promise<readonly Check[]>>();
  loaded.set(template, known);
  const key = wanted.join(' ');
  const checks = known.get(key) ?? load(system, wanted, template, profile);
  known.set(key, checks);
  return checks;
}

async function load(
  system: System,
  wanted: readonly string[],
  template: Template,
  profile: Profile,
): Promise<readonly Check[]> {
  if (wanted.length === 0) return [];
  // A slip in a limit's name shows only when all checks are known.
  if (Object.keys(profile.limits).length > 0) withLimits(await loadChecks(system), profile.limits);
  const checks = await loadChecks(system, wanted);
  // Of a site's own checks those that are meant for it.
  return applyLimits(
    checks.filter(({ gate }) => gate),
    limitsOf(template, profile),
  );
}

/** The thresholds of a run, beside the checks' own: its trainer's and, above those, its profile's. */
export function limitsOf({ front }: Pick<Template, 'front'>, { limits }: Pick<Profile, 'limits'>): Limits {
  return { ...front.limits, ...limits };
}
