import { attemptRows } from '../drill/curve.ts';
import type { DrillResult } from '../drill/play.ts';
import { table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

type Style = Terminal['style'];

/** One drill's result as a person reads it. */
export function drillLines(result: DrillResult, style: Style): string[] {
  const { comparison, seconds } = result;
  const times = Object.entries(seconds).map(([moment, value]) => [moment, shownSeconds(value)]);
  const compared =
    comparison === null
      ? []
      : [
          ['steps', String(comparison.steps)],
          ['samples lost', String(comparison.samplesLost)],
          [
            'samples repeated',
            `${comparison.samplesRepeated} (in ${comparison.sameOrder ? 'the same' : 'another'} order)`,
          ],
          ['largest loss difference', String(comparison.maxLossDifference)],
        ];
  return [
    ...table(attemptRows(result.attempts)),
    '',
    ...table([...times, ...compared, ['verdict', verdict(result, style)]]),
  ];
}

/** Several drills, one a line: seconds after the fault was done. */
export function summaryLines(results: readonly DrillResult[], style: Style): string[] {
  const rows = results.map((result) => [
    result.drill,
    result.rows.join(',') || '-',
    shownSeconds(result.seconds.noticed),
    shownSeconds(result.seconds.diagnosed),
    shownSeconds(result.seconds.running),
    result.comparison === null ? '-' : String(result.comparison.samplesLost),
    verdict(result, style),
  ]);
  return table([['FAULT', 'ROWS', 'NOTICED', 'DIAGNOSED', 'RUNNING', 'LOST', 'VERDICT'], ...rows]);
}

function shownSeconds(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(1)} s`;
}

function verdict({ verdict: word, why }: DrillResult, style: Style): string {
  switch (word) {
    case 'equal':
      return style('green', 'equal to the undisturbed run, to the bit');
    case 'stopped':
      return style('green', 'rightly not started again');
    default:
      return style('red', `${word}: ${why}`);
  }
}
