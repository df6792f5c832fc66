import { isLauncher, optionOf } from '../shell/command.ts';
import { gpusOf, nodesOf } from '../shell/script.ts';
import type { Report, Rule } from './rule.ts';
import { tasksOf } from './tasks.ts';

export const headerMismatch: Rule = {
  id: 'header-mismatch',
  severity: 'warning',
  summary: 'Nodes or processes a node that are not those of the header',
  applies: 'batch',
  check: (script) => {
    const [nodes, gpus] = [nodesOf(script), gpusOf(script)];
    return script.commands.filter(isLauncher).flatMap((command): Report[] => {
      const reports: Report[] = [];
      const wantsNodes = optionOf(command, '--nnodes', '--num_machines');
      const perNode = optionOf(command, '--nproc_per_node', '--num_gpus');
      // To a launcher each task of srun is a node.
      const tasks = tasksOf(script, command);
      if (wantsNodes && tasks !== undefined && isMore(wantsNodes.value, tasks)) {
        const isHeader = tasks === nodes;
        const there = isHeader ? `the header asks for ${tasks}` : `srun starts ${tasks} of it`;
        const message = `${command.name} waits for ${wantsNodes.value} nodes, and ${there}.`;
        reports.push({ at: wantsNodes.at, message, fix: isHeader ? '"$SLURM_NNODES"' : '"$SLURM_NTASKS"' });
      }
      const each = Math.max(1, Math.floor((tasks ?? 1) / (nodes ?? 1)));
      const processes = Number(perNode?.value) * each;
      if (perNode && gpus !== undefined && /^\d+$/.test(perNode.value) && processes !== gpus) {
        const message = `${command.name} starts ${processes} processes a node, and the header asks for ${gpus} GPUs.`;
        const severity = processes > gpus ? ('warning' as const) : ('info' as const);
        reports.push({
          at: perNode.at,
          severity,
          message,
          fix: String(Math.max(1, Math.floor(gpus / each))),
        });
      }
      return reports;
    });
  },
};

function isMore(value: string, than: number): boolean {
  return /^\d+$/.test(value) && Number(value) > than;
}
