import { headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';

/** Only these: src/srun/opt.c reads SRUN_CPUS_PER_TASK in 22.05 and 23.02, and SLURM_CPUS_PER_TASK before and after. */
const AFFECTED = ['22.05', '23.02'];

export const cpusInherited: Rule = {
  id: 'cpus-inherited',
  severity: 'info',
  summary: '--cpus-per-task that srun does not inherit in Slurm 22.05 and 23.02',
  applies: 'batch',
  check: (script, { slurmVersion }) => {
    const option = headerOption(script, 'cpus-per-task');
    if (!option || option.value === '1' || (slurmVersion !== undefined && !AFFECTED.includes(slurmVersion)))
      return [];
    if (script.text.includes('SRUN_CPUS_PER_TASK')) return [];
    const bare = script.commands.find(
      ({ srun, words }) =>
        srun &&
        !srun.options.some(({ name }) => name === 'cpus-per-task') &&
        words.slice(1, srun.rest).every(({ value }) => !value.startsWith('$')),
    );
    if (!bare) return [];
    return [
      {
        at: bare.at,
        severity: slurmVersion === undefined ? 'info' : 'warning',
        message: `In Slurm 22.05 and 23.02 srun does not inherit --cpus-per-task=${option.value}: each task gets one CPU.`,
        fix: 'export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK',
      },
    ];
  },
};
