import { UsageError } from '../errors.ts';
import { expandHostlist } from '../slurm/hostlist.ts';
import { showAllNodes } from '../slurm/sinfo.ts';
import type { System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';

/**
 * The nodes of a hostlist that a person typed. Slurm refuses every job that is to leave out a node that it does not
 * know, so one slip would stop all submissions. Where sinfo does not answer they are taken as they are.
 * @throws UsageError for a node that this cluster has not.
 */
export async function namedNodes(system: System, list: string): Promise<string[]> {
  const nodes = [...new Set(expandHostlist(list))];
  const views = await showAllNodes(system).catch(() => []);
  const known = new Set(views.map(({ node }) => node));
  const odd = nodes.find((node) => known.size > 0 && !known.has(node));
  if (odd !== undefined)
    throw new UsageError(
      `this cluster has no node ${JSON.stringify(odd)}.${didYouMean(odd, known)}`,
      '"sinfo -N" lists its nodes.',
    );
  return nodes;
}
