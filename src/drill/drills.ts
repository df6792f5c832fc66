import type { Attempt } from '../run/manifest.ts';
import { down } from '../sandbox/down.ts';
import { interruptible } from '../sandbox/interrupt.ts';
import { findPlace } from '../sandbox/place.ts';
import { up } from '../sandbox/up.ts';
import type { System } from '../system/system.ts';
import { type Comparison, compareCurves } from './curve.ts';
import { type Drill, play } from './drill.ts';
import { preemptDrill } from './preempt.ts';
import { timeoutDrill } from './timeout.ts';

/** Every drill there is. */
export const drills: readonly Drill[] = [preemptDrill, timeoutDrill];

/** What `opsctl drill --json` prints. */
export interface DrillResult {
  readonly drill: string;
  readonly verdict: 'equal' | 'different';
  /** Why it is not equal; empty when it is. */
  readonly why: string;
  readonly events: readonly string[];
  readonly attempts: readonly Attempt[];
  readonly comparison: Comparison;
}

const NODES = 4;

/** Brings a sandbox up, plays the drill in it, and ends it, unless it was named: then it is left as it is. */
export async function runDrill(
  system: System,
  drill: Drill,
  name: string | undefined,
  note: (line: string) => void,
): Promise<DrillResult> {
  const place = await findPlace(system, { name: name ?? `drill-${process.pid}`, dir: undefined });
  const end = async () => {
    if (name === undefined) await down(system, place, false);
  };
  const result = await interruptible(async () => {
    const asked = {
      nodes: NODES,
      gpusPerNode: undefined,
      cpusPerNode: undefined,
      memoryMb: undefined,
      shm: undefined,
      tmp: undefined,
      accounting: undefined,
    };
    const { sandbox } = await up(system, place, asked, []);
    return play(system, sandbox, drill, note);
  }, end);
  await end();
  return judge(drill, result);
}

/** A drill in which nothing happened proves nothing. */
function judge(drill: Drill, played: Awaited<ReturnType<typeof play>>): DrillResult {
  const comparison = compareCurves(played.disturbed, played.undisturbed);
  const why =
    played.attempts.length < 2
      ? 'the run was not interrupted'
      : comparison.equal
        ? ''
        : 'the two runs are not the same';
  return {
    drill: drill.name,
    verdict: why === '' ? 'equal' : 'different',
    why,
    events: played.events,
    attempts: played.attempts,
    comparison,
  };
}
