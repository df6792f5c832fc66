import { expandHostlist } from '../slurm/hostlist.ts';
import { isGone, type NodeView } from '../slurm/sinfo.ts';
import { alertOf, type Rule, running, said } from './rule.ts';

const LEAVING = /^(?:drain|drng|failg|failing|maint|reboot)/i;

/** Nodes of running runs that have failed or are being taken away: one alert a node, with all runs on it. */
export const nodeRule: Rule = {
  faults: ['node-fail', 'node-draining'],
  couldSee: ({ look }) => look.nodes !== undefined,
  judge: (scene) => {
    const nodes = scene.look.nodes ?? new Map<string, NodeView>();
    const runsOf = new Map<string, string[]>();
    for (const { runId, job } of running(scene)) {
      for (const node of expandHostlist(job?.nodes ?? ''))
        runsOf.set(node, [...(runsOf.get(node) ?? []), runId]);
    }
    return [...runsOf].flatMap(([name, runs]) => {
      const node = nodes.get(name);
      // With the controller's word that the job runs there: a node "unknown" after a restart of slurmctld comes back.
      if (node === undefined || !(isGone(node) || LEAVING.test(node.state))) return [];
      const gone = isGone(node);
      const why = node.reason === null ? '' : ` (${node.reason})`;
      return [
        alertOf(scene, {
          fault: gone ? 'node-fail' : 'node-draining',
          target: `node ${name}`,
          severity: gone ? 'critical' : 'warning',
          summary: gone
            ? `node ${name} is ${node.state}${why} while ${runs.length === 1 ? 'a run is' : `${runs.length} runs are`} on it`
            : `node ${name} is ${node.state}${why}: the run on it goes on until it ends, and no new one starts there`,
          runs,
          nodes: [name],
          evidence: [said(`sinfo: ${name} is ${node.state}${why}`)],
          command: `scontrol show node ${name}`,
        }),
      ];
    });
  },
};
