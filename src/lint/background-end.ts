import { isTraining } from '../shell/command.ts';
import type { Rule } from './rule.ts';

export const backgroundEnd: Rule = {
  id: 'background-end',
  severity: 'error',
  summary: 'Work in the background and no wait: the job ends at once and takes it along',
  applies: 'batch',
  check: ({ commands }) => {
    const last = commands.findLast(
      (command) =>
        command.isBackground &&
        !command.isDeferred &&
        isTraining(command) &&
        !command.via.some(({ srun }) => srun),
    );
    if (!last) return [];
    // Anything that lasts after it: a wait, or a step in the foreground.
    const lasts = commands.some(
      ({ name, at, isBackground, inLoop, srun }) =>
        at > last.at &&
        !isBackground &&
        (name === 'wait' ||
          srun !== undefined ||
          inLoop ||
          name === 'tail' ||
          name === 'ray' ||
          /^(?:python|bash|sh|torchrun|accelerate)/.test(name)),
    );
    const waits = commands.some(({ name }) => name === 'wait' || name === 'exec');
    if (
      lasts ||
      waits ||
      commands.some(
        ({ name, at, words }) => at > last.at && name === 'sleep' && words[1]?.value === 'infinity',
      )
    )
      return [];
    const message = `The script ends while ${last.name} runs in the background: Slurm then ends the job and everything in it.`;
    return [{ at: last.at, message, fix: 'wait' }];
  },
};
