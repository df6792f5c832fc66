import { alertOf, type Rule, running, said } from './rule.ts';

/** Looks in a row in which a node must be behind. */
const LASTING = 2;

/** Nodes that go slower than the others of their run (row 30): one slow reader holds up all. */
export const slowNodeRule: Rule = {
  faults: ['slow-node'],
  couldSee: (scene) => running(scene).every(({ isRead }) => isRead),
  judge: (scene) =>
    running(scene).flatMap(({ runId, memory }) => {
      const paces = Object.entries(memory.nodes);
      const slow = paces.filter(([, { behind }]) => behind >= LASTING);
      if (slow.length === 0) return [];
      const names = slow.map(([node]) => node);
      const words = paces.map(([node, { rate, of }]) => `${node} ${rate?.toPrecision(3) ?? '?'}/s of ${of}`);
      return [
        alertOf(scene, {
          fault: 'slow-node',
          target: `${runId} ${names.join(',')}`,
          severity: 'warning',
          summary: `${names.join(', ')} ${names.length === 1 ? 'goes' : 'go'} at less than ${scene.config.slow_node} % of the pace of the others`,
          runs: [runId],
          nodes: names,
          evidence: words.slice(0, 8).map(said),
          command: `opsctl preflight --nodes ${names.join(',')} --only read-speed`,
        }),
      ];
    }),
};
