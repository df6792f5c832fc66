import { showNodeStates } from '../../slurm/sinfo.ts';
import type { System } from '../../system/system.ts';
import type { Deed } from '../deed.ts';
import type { Seen } from '../entry.ts';
import { type Held, nodeHeld, OWN_REASON } from '../rails.ts';
import { runCommand } from '../see-job.ts';
import type { Act, ActionName } from '../step.ts';

async function see(system: System, { nodes }: Act): Promise<Seen> {
  const states = await showNodeStates(system, nodes.join(','));
  return { nodes: Object.fromEntries(states.map(({ node, state, reason }) => [node, { state, reason }])) };
}

function heldFor(action: ActionName) {
  return ({ act }: { act: Act }, seen: Seen): Held | undefined =>
    act.nodes.map((node) => nodeHeld(action, node, seen.nodes?.[node])).find((held) => held !== undefined);
}

/** Set aside, and by opsctl. */
function isDrained({ nodes }: Act, seen: Seen): boolean {
  return nodes.every((node) => {
    const now = seen.nodes?.[node];
    return now !== undefined && /drain|drng/i.test(now.state) && now.reason?.startsWith(OWN_REASON) === true;
  });
}

function isBack({ nodes }: Act, seen: Seen): boolean {
  return nodes.every((node) => {
    const now = seen.nodes?.[node];
    return now !== undefined && !/drain|drng|down|fail/i.test(now.state);
  });
}

/** Nobody gets the node any more, with a reason that says who did it. Never over somebody else's. */
export const drainNode: Deed = {
  see,
  isSo: isDrained,
  held: heldFor('drain-node'),
  act: runCommand,
  judge: (act, _before, after) => (isDrained(act, after) ? 'done' : 'not-done'),
};

/** Gives a node back that opsctl has set aside, and no other. */
export const resumeNode: Deed = {
  see,
  isSo: isBack,
  held: heldFor('resume-node'),
  act: runCommand,
  judge: (act, _before, after) => (isBack(act, after) ? 'done' : 'not-done'),
};
