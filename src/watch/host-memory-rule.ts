import { expandHostlist } from '../slurm/hostlist.ts';
import type { NodeView } from '../slurm/sinfo.ts';
import { alertOf, type Rule, running, said } from './rule.ts';

/**
 * Nodes of runs whose memory is nearly used up (row 38). Slurm counts page cache as used, so a node that reads much
 * data looks like one that is full: while data is being loaded it is a warning, later only worth knowing.
 */
export const hostMemoryRule: Rule = {
  faults: ['host-memory'],
  couldSee: ({ look }) => look.nodes !== undefined,
  judge: (scene) =>
    running(scene).flatMap(({ runId, memory, job }) => {
      const low = expandHostlist(job?.nodes ?? '')
        .flatMap((name) => scene.look.nodes?.get(name) ?? [])
        .filter((node) => freePercent(node) < scene.config.free_memory);
      const [first] = low;
      if (first === undefined) return [];
      const isLoading = memory.progress?.stage === 'start';
      const gib = ((first.freeMb ?? 0) / 1024).toFixed(1);
      const total = ((first.memoryMb ?? 0) / 1024).toFixed(0);
      return [
        alertOf(scene, {
          fault: 'host-memory',
          target: runId,
          severity: isLoading ? 'warning' : 'info',
          summary: `node ${first.node} has ${gib} of ${total} GiB unused${isLoading ? ' while the run loads its data' : ''}; page cache counts as used here`,
          runs: [runId],
          nodes: low.map(({ node }) => node),
          evidence: low
            .slice(0, 4)
            .map(({ node, freeMb, memoryMb }) => said(`sinfo: ${node} free ${freeMb} of ${memoryMb} MB`)),
          command: `srun --overlap --jobid=${job?.jobId} -w ${first.node} -N1 -n1 free -g`,
        }),
      ];
    }),
};

function freePercent({ freeMb, memoryMb }: NodeView): number {
  return freeMb === null || memoryMb === null || memoryMb === 0
    ? Number.POSITIVE_INFINITY
    : (freeMb / memoryMb) * 100;
}
