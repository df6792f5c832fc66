import { type Exclusion, exclusionsPath, liveExclusions } from '../run/exclusions.ts';
import { ensureDirectory, writeAtomic } from '../system/files.ts';
import { type System, stateHome } from '../system/system.ts';

/** The nodes that are excluded now, with the moment until which. */
export function exclusionMap(system: System): Record<string, string> {
  return Object.fromEntries(liveExclusions(system).map(({ node, expires }) => [node, expires]));
}

/** Adds exclusions, each node once: the one that lasts longer stays. Those that have expired go. Under the journal's lease. */
export async function addExclusions(system: System, added: readonly Exclusion[]): Promise<void> {
  const byNode = new Map(liveExclusions(system).map((each) => [each.node, each]));
  for (const each of added) {
    const known = byNode.get(each.node);
    if (known === undefined || known.expires < each.expires) byNode.set(each.node, each);
  }
  await save(system, [...byNode.values()]);
}

/** Takes nodes out again; gives those that were excluded. Under the journal's lease. */
export async function removeExclusions(system: System, nodes: readonly string[]): Promise<string[]> {
  const live = liveExclusions(system);
  await save(
    system,
    live.filter(({ node }) => !nodes.includes(node)),
  );
  return live.filter(({ node }) => nodes.includes(node)).map(({ node }) => node);
}

async function save(system: System, exclusions: readonly Exclusion[]): Promise<void> {
  await ensureDirectory(stateHome(system.env));
  await writeAtomic(exclusionsPath(system.env), `${JSON.stringify(exclusions, undefined, 1)}\n`);
}
