import { parseDuration } from '../slurm/duration.ts';

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Milliseconds of `90m`, `2h`, `1d12h`, or of a time as Slurm writes it; undefined for what is no time, or none at all. */
export function parseSpan(text: string): number | undefined {
  const isWorded = /^(?:\d{1,6}[mhdw])+$/.test(text);
  const seconds = isWorded ? worded(text) : parseDuration(text);
  return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}

function worded(text: string): number {
  const parts = [...text.matchAll(/(\d+)([mhdw])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
}
