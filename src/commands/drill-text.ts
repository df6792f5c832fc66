import { attemptRows } from '../drill/curve.ts';
import type { DrillResult } from '../drill/drills.ts';
import { table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A drill's result as a person reads it. */
export function drillLines(result: DrillResult, style: Terminal['style']): string[] {
  const { comparison, verdict } = result;
  const order = comparison.sameOrder ? 'in the same order' : 'in another order';
  return [
    ...table(attemptRows(result.attempts)),
    '',
    ...table([
      ['steps', String(comparison.steps)],
      ['samples lost', String(comparison.samplesLost)],
      ['samples repeated', `${comparison.samplesRepeated} (${order})`],
      ['largest loss difference', String(comparison.maxLossDifference)],
      [
        'verdict',
        verdict === 'equal'
          ? style('green', 'equal to the undisturbed run, to the bit')
          : style('red', `not proved: ${result.why}`),
      ],
    ]),
  ];
}
