import { header, headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';

export const outputShared: Rule = {
  id: 'output-shared',
  severity: 'info',
  summary: 'A log without the job’s id: the next job erases it',
  applies: 'batch',
  check: (script) => {
    const output = headerOption(script, 'output');
    if (!output || output.value === '' || /\/dev\/null|\$/.test(output.value)) return [];
    const isArray = header(script, 'array') !== undefined;
    if (isArray && !/%[0-9]*[ajJNnst]/.test(output.value)) {
      const message = `All tasks of the array write to ${output.value}.`;
      return [{ at: output.at, severity: 'warning', message, fix: `#SBATCH --output=%x-%A_%a.out` }];
    }
    if (/%/.test(output.value) || header(script, 'open-mode')?.startsWith('a')) return [];
    const message = `The next job erases the log ${output.value}: its name has no %j.`;
    return [
      { at: output.at, message, fix: `#SBATCH --output=${output.value.replace(/(\.\w+)?$/, '-%j$1')}` },
    ];
  },
};
