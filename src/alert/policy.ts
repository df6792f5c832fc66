import type { AlertsConfig } from '../config/alerts-schema.ts';
import { parseDuration } from '../slurm/duration.ts';
import type { Severity } from './alert.ts';

/** When an alert is told: the `alerts:` section of the configuration, in milliseconds. */
export interface AlertPolicy {
  readonly groupBy: 'cause' | 'alert';
  readonly repeatMs: number;
  readonly groupIntervalMs: number;
  readonly resolveAfterMs: number;
  readonly quietHours: AlertsConfig['quiet_hours'];
}

export function policyOf(config: AlertsConfig): AlertPolicy {
  const ms = (text: string): number => (parseDuration(text) ?? 0) * 1000;
  return {
    groupBy: config.group_by,
    repeatMs: ms(config.repeat),
    groupIntervalMs: ms(config.group_interval),
    resolveAfterMs: ms(config.resolve_after),
    quietHours: config.quiet_hours,
  };
}

/** Whether a message of this severity waits now. The end belongs to the day: at 07:00 it is sent. */
export function isQuiet({ quietHours }: AlertPolicy, severity: Severity, now: Date): boolean {
  if (quietHours === null || !quietHours.severities.includes(severity)) return false;
  const { from, to } = quietHours;
  const clock = clockIn(quietHours.time_zone, now);
  return from <= to ? from <= clock && clock < to : clock >= from || clock < to;
}

/** `HH:MM` on the clock of a time zone. */
function clockIn(timeZone: string, now: Date): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return format.format(now);
}
