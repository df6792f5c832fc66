import type { Fleet, Sighting } from '../remedy/breaker.ts';
import { isOfNode } from '../remedy/suspects.ts';
import type { System } from '../system/system.ts';
import { hungRuns } from './hang-rule.ts';
import { type RunMemories, readMemory } from './memory.ts';
import type { Scene } from './rule.ts';
import { nodesOf, ORDINARY, troubledRuns, withoutOver } from './trouble.ts';

/**
 * Who shows which fault now, so that the first act already knows how wide it is. Pure; found out when it is first asked for,
 * because most looks see nothing wrong with ten thousand runs.
 * @param runs with the bad ends of this look already taken in.
 * @returns a function from a fault's id to the fleet as the breaker is told of it; null when Slurm did not say which
 * nodes there are.
 */
export function spreadOf(runs: RunMemories, scene: Scene): (fault: string) => Fleet | null {
  const nodes = scene.look.nodes?.size;
  let seen: ReadonlyMap<string, readonly Sighting[]> | undefined;
  return (fault) => {
    if (nodes === undefined) return null;
    seen ??= sightings(runs, scene);
    return { nodes, isOfNode: isOfNode(fault), sightings: seen.get(fault) ?? [] };
  };
}

function sightings(runs: RunMemories, scene: Scene): Map<string, Sighting[]> {
  const seen = new Map<string, Sighting[]>();
  const add = (fault: string, sighting: Sighting) => seen.set(fault, [...(seen.get(fault) ?? []), sighting]);
  for (const [runId, { trouble }] of withoutOver(runs, scene)) {
    if (trouble === null) continue;
    const { fault, since, nodes } = trouble.alert;
    if (ORDINARY.includes(fault)) continue;
    add(fault, { runId, at: since, named: nodes, ran: nodesOf(trouble.ran) });
  }
  for (const { runId, job } of hungRuns(scene))
    add('hang', { runId, at: scene.now.toISOString(), named: [], ran: nodesOf(job?.nodes) });
  return seen;
}

/**
 * Other runs that the watcher has lately seen end with this fault, for a person who repairs one of them by hand; none where
 * nobody watches.
 * @param window seconds.
 */
export async function othersLike(
  system: System,
  fault: string | undefined,
  runId: string | undefined,
  window: number,
): Promise<string[]> {
  if (fault === undefined) return [];
  const { runs } = await readMemory(system);
  const from = system.now().getTime() - window * 1000;
  return troubledRuns(runs)
    .filter(([, , { alert }]) => alert.fault === fault && Date.parse(alert.since) > from)
    .flatMap(([other]) => (other === runId ? [] : [other]));
}
