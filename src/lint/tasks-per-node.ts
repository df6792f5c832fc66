import { isLauncher, optionOf } from '../shell/command.ts';
import { gpusOf, headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';
import { tasksOf } from './tasks.ts';

export const tasksPerNode: Rule = {
  id: 'tasks-per-node',
  severity: 'error',
  summary: 'More than one task a node with a launcher that starts one process a GPU itself',
  applies: 'batch',
  check: (script) => {
    const option = headerOption(script, 'ntasks-per-node', 'tasks-per-node', 'ntasks-per-gpu');
    if (!option || !/^\d+$/.test(option.value) || Number(option.value) < 2) return [];
    for (const command of script.commands) {
      const step = command.via.find(({ srun }) => srun);
      if (!isLauncher(command) || !step?.srun) continue;
      // A step that says itself how many tasks it wants, or may say so.
      if (
        step.srun.options.some(({ name }) => /^(?:ntasks|ntasks-per-node|tasks-per-node|nodes)$/.test(name))
      )
        continue;
      if (step.words.slice(1, step.srun.rest).some(({ isLiteral }) => !isLiteral)) continue;
      // Agents of one process each, as many as there are GPUs, are a way of their own: where they expect each other.
      const processes = Number(optionOf(command, '--nproc_per_node', '--num_gpus')?.value);
      const agents = Number(optionOf(command, '--nnodes')?.value);
      const isAgreed = !(agents < (tasksOf(script, command) ?? 0));
      const fits = processes === 1 || processes * Number(option.value) <= (gpusOf(script) ?? 0);
      if (isAgreed && fits) continue;
      const message = `srun starts ${option.value} tasks a node, and each ${command.name} as many processes as it is told: more processes than GPUs.`;
      return [{ at: option.at, message, fix: '#SBATCH --ntasks-per-node=1' }];
    }
    return [];
  },
};
