import { readMetricLine, withoutLabels } from '../run/metric-lines.ts';
import { median } from './median.ts';
import type { NodePace } from './memory.ts';

/** A progress bar of tqdm with its rate: ` Loading: 12%|█▏ | 12/100 [00:31<03:40, 365.2it/s]`. */
const BAR = /^(.{0,80}?):?\s*\d+%\|[^|]*\| *[\d.]+[kMG]?\/[\d.]+[kMG]? \[[^\]]*?([\d.]+) ?(it\/s|s\/it)/;

/** The newest pace that a node's log shows: of a progress bar, else of its steps; undefined when it shows none. */
export function paceOf(lines: readonly string[]): Pick<NodePace, 'of' | 'rate'> | undefined {
  for (const raw of lines.toReversed()) {
    const line = withoutLabels(raw);
    const bar = BAR.exec(line);
    if (bar) {
      const value = Number(bar[2]);
      return { of: bar[1]?.trim() || 'step', rate: bar[3] === 'it/s' ? value : 1 / value };
    }
    const seconds = readMetricLine(line)?.secondsPerStep;
    if (seconds !== undefined && seconds > 0) return { of: 'step', rate: 1 / seconds };
  }
  return undefined;
}

/** Counts for each node how often in a row it was far behind those that do the same. `percent` of the middle pace. */
export function compared(
  nodes: Readonly<Record<string, NodePace>>,
  percent: number,
): Record<string, NodePace> {
  const entries = Object.entries(nodes);
  return Object.fromEntries(
    entries.map(([name, pace]) => {
      const others = entries.flatMap(([other, { of, rate }]) =>
        other !== name && of === pace.of && rate !== null ? [rate] : [],
      );
      const usual = median(others);
      const isBehind = usual !== undefined && pace.rate !== null && pace.rate < (usual * percent) / 100;
      return [name, { ...pace, behind: isBehind ? pace.behind + 1 : 0 }];
    }),
  );
}
