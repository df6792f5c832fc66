const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** days-hours[:minutes[:seconds]], hours:minutes:seconds, minutes[:seconds]: sbatch(1), `--time`. */
const WITH_DAYS = /^(\d+)-(\d+)(?::(\d+))?(?::(\d+))?$/;
const WITHOUT_DAYS = /^(?:(\d+):)??(\d+)(?::(\d+))?$/;

/**
 * Seconds of a time in any form Slurm prints or accepts; a bare number is minutes. `Infinity` when there is no
 * limit (`UNLIMITED`), undefined when it is not known or nonsense (`Partition_Limit`, `INVALID`, `N/A`, empty).
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^(?:UNLIMITED|INFINITE)$/i.test(trimmed)) return Number.POSITIVE_INFINITY;
  const days = WITH_DAYS.exec(trimmed);
  if (days) return seconds(days[1], days[2], days[3], days[4]);
  const clock = WITHOUT_DAYS.exec(trimmed);
  return clock ? seconds('0', clock[1], clock[2], clock[3]) : undefined;
}

function seconds(
  days: string | undefined,
  hours: string | undefined,
  minutes: string | undefined,
  rest: string | undefined,
): number | undefined {
  const total =
    Number(days ?? 0) * DAY + Number(hours ?? 0) * HOUR + Number(minutes ?? 0) * MINUTE + Number(rest ?? 0);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Seconds as `HH:MM:SS` or `D-HH:MM:SS`, the form that sbatch takes and sacct prints; fractions are cut off. */
export function formatDuration(duration: number): string {
  if (duration === Number.POSITIVE_INFINITY) return 'UNLIMITED';
  const whole = Math.max(0, Math.floor(duration));
  const days = Math.floor(whole / DAY);
  const clock = [Math.floor((whole % DAY) / HOUR), Math.floor((whole % HOUR) / MINUTE), whole % MINUTE]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return days > 0 ? `${days}-${clock}` : clock;
}

/** Makes Slurm print every time as seconds since 1970, so that no time zone has to be guessed. */
export const EPOCH_TIMES = { SLURM_TIME_FORMAT: '%s' } as const;

/**
 * Seconds since 1970 of a time as Slurm prints it under EPOCH_TIMES, or in its standard form, which is local time.
 * Null for `N/A`, `Unknown`, `None` and everything else that is no time.
 */
export function parseTimestamp(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  if (!/^\d{4}-\d\d-\d\dT/.test(trimmed)) return null;
  const milliseconds = Date.parse(trimmed);
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000);
}
