import type { AutomationConfig } from '../config/automation-schema.ts';
import type { Level } from './step.ts';

/** From this confidence on automation may act on a cause. */
export const SURE = 0.8;

/**
 * Up to which level opsctl may act without a person: that of the fault or of the run, the lower where both have one, else
 * the profile's. `L0` there stops everything, whatever faults and runs have: one word to write at three in the morning.
 */
export function levelFor(
  { level, faults, runs }: AutomationConfig,
  fault: string | null,
  runId: string | null,
): Level {
  if (level === 'L0') return 0;
  const general = numberOf((fault === null ? undefined : faults[fault]) ?? level);
  const own = Object.entries(runs)
    .filter(([pattern]) => runId !== null && matches(pattern, runId))
    .map(([, each]) => numberOf(each));
  if (own.length === 0) return general;
  const ofRun = Math.min(...own) as Level;
  // A fault that has no level of its own takes the run's; one that has is held to the lower.
  const hasOwn = fault !== null && faults[fault] !== undefined;
  return hasOwn && general < ofRun ? general : ofRun;
}

export function numberOf(level: AutomationConfig['level']): Level {
  return Number(level.slice(1)) as Level;
}

/** A name with `*` and `?`. Matched without a regular expression: a pattern must not be able to take long. */
function matches(pattern: string, name: string): boolean {
  let [at, from, star, back] = [0, 0, -1, 0];
  while (from < name.length) {
    if (pattern[at] === '?' || (pattern[at] !== '*' && pattern[at] === name[from])) {
      at++;
      from++;
    } else if (pattern[at] === '*') {
      star = at++;
      back = from;
    } else if (star !== -1) {
      at = star + 1;
      from = ++back;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
