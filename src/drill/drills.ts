import { UsageError } from '../errors.ts';
import { down } from '../sandbox/down.ts';
import { interruptible } from '../sandbox/interrupt.ts';
import { findPlace } from '../sandbox/place.ts';
import { up } from '../sandbox/up.ts';
import type { System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { beforeFaults } from './before-faults.ts';
import type { Drill } from './drill.ts';
import { nodeFaults } from './node-faults.ts';
import { type DrillResult, play } from './play.ts';
import { preemptDrill } from './preempt.ts';
import { runningFaults } from './running-faults.ts';
import { openTheatre } from './theatre.ts';
import { timeoutDrill } from './timeout.ts';

/** Every drill there is, in the order of `drill all`. */
export const drills: readonly Drill[] = [
  preemptDrill,
  timeoutDrill,
  ...runningFaults,
  ...beforeFaults,
  ...nodeFaults,
];

/** @throws UsageError for a name that no drill has. */
export function findDrills(names: readonly string[]): readonly Drill[] {
  if (names.includes('all')) return drills;
  return names.map((name) => {
    const drill = drills.find((one) => one.name === name);
    if (drill !== undefined) return drill;
    const known = ['all', ...drills.map((one) => one.name)];
    throw new UsageError(
      `there is no drill "${name}".${didYouMean(name, known)}`,
      `Drills: ${known.join(', ')}`,
    );
  });
}

const NODES = 4;

/** Brings a sandbox up, plays the drills in it, and ends it, unless it was named: then it is left as it is. */
export async function runDrills(
  system: System,
  chosen: readonly Drill[],
  name: string | undefined,
  note: (line: string) => void,
): Promise<DrillResult[]> {
  const place = await findPlace(system, { name: name ?? `drill-${process.pid}`, dir: undefined });
  const end = async () => {
    if (name === undefined) await down(system, place, false);
  };
  const results = await interruptible(async () => {
    const { sandbox } = await up(system, place, { nodes: NODES }, []);
    const theatre = await openTheatre(system, sandbox);
    const played: DrillResult[] = [];
    for (const drill of chosen) played.push(await play(theatre, drill, note));
    return played;
  }, end);
  await end();
  return results;
}
