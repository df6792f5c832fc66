import type { ShellCommand } from '../shell/command.ts';
import { header, nodesOf, type Script } from '../shell/script.ts';
import type { Rule } from './rule.ts';

const TRAINS = /^(?:torchrun|accelerate|deepspeed|python[0-9.]*)$/;

export const killOnBadExit: Rule = {
  id: 'kill-on-bad-exit',
  severity: 'info',
  summary: 'srun without --kill-on-bad-exit: when one rank fails the others hold their GPUs',
  applies: 'batch',
  check: (script) => {
    const variable = script.assigned.some(({ name }) => name === 'SLURM_KILL_BAD_EXIT');
    if (variable || !isParallel(script)) return [];
    const step = script.commands.find((command) => isBare(command) && hasTraining(script.commands, command));
    if (!step) return [];
    const message =
      'When one task fails the others wait for it until the time limit, unless the cluster sets KillOnBadExit.';
    const end = (step.words[0]?.end ?? step.at) || step.at;
    return [
      {
        at: step.at,
        message,
        fix: 'srun --kill-on-bad-exit=1',
        edit: { at: end, end, text: ' --kill-on-bad-exit=1' },
      },
    ];
  },
};

/** More than one task: a header that says nothing asks for one. */
function isParallel(script: Script): boolean {
  const tasks = Number(header(script, 'ntasks', 'ntasks-per-node', 'tasks-per-node') ?? 1);
  return (nodesOf(script) ?? 1) > 1 || tasks > 1;
}

function isBare({ srun, words }: ShellCommand): boolean {
  if (!srun || srun.options.some(({ name }) => name === 'kill-on-bad-exit')) return false;
  const one = srun.options.some(({ name, value }) => ['ntasks', 'nodes'].includes(name) && value === '1');
  // Options that are in a variable may have it.
  return !one && words.slice(1, srun.rest).every(({ value }) => !value.startsWith('$'));
}

function hasTraining(commands: readonly ShellCommand[], step: ShellCommand): boolean {
  return commands.some(({ via, name }) => via.includes(step) && TRAINS.test(name));
}
