import { type Alert, reaches, SEVERITIES, type Severity, worst } from '../alert/alert.ts';
import { tidy } from '../alert/plain.ts';
import { type Silence, silencedBy } from '../alert/silence.ts';

/** One cause, with all that suffers from it. */
export interface Problem {
  readonly fault: string;
  readonly severity: Severity;
  /** Of the worst alert, the oldest of these. */
  readonly summary: string;
  readonly runs: readonly string[];
  readonly nodes: readonly string[];
  /** ISO 8601: the earliest of its alerts. */
  readonly since: string;
  /** What to type next; null when there is nothing to type. */
  readonly command: string | null;
  /** All of it is held back by silences: somebody knows of it. */
  readonly silenced: boolean;
  readonly alerts: readonly Alert[];
}

/** Pure: grouped by cause; worst first, then what most runs suffer from, then the oldest. Silenced ones come last. */
export function problemsOf(alerts: readonly Alert[], silences: readonly Silence[], now: Date): Problem[] {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts.map(tidy)) groups.set(alert.fault, [...(groups.get(alert.fault) ?? []), alert]);
  return [...groups.values()].map((group) => problemOf(group, silences, now)).sort(worstFirst);
}

/** What the exit code is made of: a silenced problem is somebody's decision. */
export function severityOf(problems: readonly Problem[]): Severity | null {
  const loud = problems.filter(({ silenced }) => !silenced).map(({ severity }) => severity);
  return loud.length === 0 ? null : worst(loud);
}

function problemOf(group: readonly Alert[], silences: readonly Silence[], now: Date): Problem {
  const severity = worst(group.map((alert) => alert.severity));
  const alerts = [...group].sort(
    (one, other) => rank(other.severity) - rank(one.severity) || one.since.localeCompare(other.since),
  );
  const [first] = alerts;
  return {
    fault: first?.fault ?? '',
    severity,
    summary: first?.summary ?? '',
    runs: namesOf(alerts, 'runs'),
    nodes: namesOf(alerts, 'nodes'),
    since: alerts.map(({ since }) => since).sort()[0] ?? now.toISOString(),
    command: alerts.find(({ command }) => command !== null)?.command ?? null,
    silenced: alerts.every((alert) => silencedBy(alert, silences, now) !== undefined),
    alerts,
  };
}

function worstFirst(one: Problem, other: Problem): number {
  return (
    Number(one.silenced) - Number(other.silenced) ||
    rank(other.severity) - rank(one.severity) ||
    other.runs.length - one.runs.length ||
    one.since.localeCompare(other.since)
  );
}

function namesOf(alerts: readonly Alert[], of: 'runs' | 'nodes'): string[] {
  return [...new Set(alerts.flatMap((alert) => alert[of]))];
}

function rank(severity: Severity): number {
  return SEVERITIES.filter((each) => reaches(severity, each)).length;
}
