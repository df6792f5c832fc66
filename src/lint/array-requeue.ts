import { header } from '../shell/script.ts';
import type { Rule } from './rule.ts';

export const arrayRequeue: Rule = {
  id: 'array-requeue',
  severity: 'error',
  summary: 'A task of an array that requeues the whole array',
  applies: 'batch',
  check: (script) => {
    if (header(script, 'array') === undefined) return [];
    return script.commands
      .filter(({ name, words }) => name === 'scontrol' && words[1]?.value === 'requeue')
      .flatMap(({ words }) => {
        const id = words[2];
        if (!id || !/^\$\{?SLURM_ARRAY_JOB_ID\}?$/.test(id.value)) return [];
        const message = '$SLURM_ARRAY_JOB_ID alone is the whole array: every task is started again.';
        return [
          { at: id.at, message, fix: 'scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"' },
        ];
      });
  },
};
