import { isLauncher, optionOf } from '../shell/command.ts';
import { gpusOf, nodesOf } from '../shell/script.ts';
import type { Report, Rule } from './rule.ts';

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
      if (
        wantsNodes &&
        nodes !== undefined &&
        /^\d+$/.test(wantsNodes.value) &&
        Number(wantsNodes.value) > nodes
      ) {
        const message = `${command.name} waits for ${wantsNodes.value} nodes, and the header asks for ${nodes}.`;
        reports.push({ at: wantsNodes.at, message, fix: '"$SLURM_NNODES"' });
      }
      if (perNode && gpus !== undefined && /^\d+$/.test(perNode.value) && Number(perNode.value) !== gpus) {
        const message = `${command.name} starts ${perNode.value} processes a node, and the header asks for ${gpus} GPUs.`;
        const severity = Number(perNode.value) > gpus ? ('warning' as const) : ('info' as const);
        reports.push({ at: perNode.at, severity, message, fix: String(gpus) });
      }
      return reports;
    });
  },
};
