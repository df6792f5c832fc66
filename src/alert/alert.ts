import { createHash } from 'node:crypto';

/** From mild to severe. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A line that shows what is wrong, as a diagnosis or a look at the cluster gave it. Not yet made safe to print. */
export interface Evidence {
  readonly file: string | null;
  readonly line: number | null;
  readonly text: string;
}

/**
 * One thing that is wrong with one target (a run, a node, a file system), as whoever looked saw it. Plain data: the
 * watcher makes it anew at every look, and `decide` keeps what lasts.
 */
export interface Alert {
  /** Of cause and target, so that two looks and two watchers mean the same alert: see `alertId`. */
  readonly id: string;
  /** Id of the fault: `disk-full`. Alerts of one fault are one message. */
  readonly fault: string;
  readonly severity: Severity;
  /** One line for a person: what is wrong, with the numbers. */
  readonly summary: string;
  /** Runs that suffer, by their ids. */
  readonly runs: readonly string[];
  readonly nodes: readonly string[];
  /** When it began, ISO 8601 in UTC; the earliest of all looks is kept. */
  readonly since: string;
  readonly evidence: readonly Evidence[];
  /** What to type now, ready for a shell (whoever makes the alert quotes it); null when there is nothing to type. */
  readonly command: string | null;
}

/** What one look saw. */
export interface Seen {
  readonly alerts: readonly Alert[];
  /**
   * Faults that could not be looked for, or `all`: squeue failed, a file system hung. What is known of them stays as it
   * is: not seeing is not the same as gone.
   */
  readonly blind: 'all' | readonly string[];
}

/** The id of the alert that a fault has for a target, such as a run's id or `node n042`. The same for every process. */
export function alertId(fault: string, target: string): string {
  return `${fault.replace(/[^A-Za-z0-9-]/g, '-')}-${digest(`${fault}\0${target}`)}`;
}

/** Twelve hexadecimal digits that stand for a text. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

export function worst(severities: readonly Severity[]): Severity {
  const rank = Math.max(0, ...severities.map((severity) => SEVERITIES.indexOf(severity)));
  return SEVERITIES[rank] ?? 'critical';
}

/** Whether a severity is at least another. */
export function reaches(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}
