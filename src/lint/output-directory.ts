import { headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';

export const outputDirectory: Rule = {
  id: 'output-directory',
  severity: 'warning',
  summary: 'The directory of --output is made by the script: too late, Slurm opens the file before',
  applies: 'batch',
  check: (script) => {
    const makers = script.commands.filter(({ name }) => name === 'mkdir');
    return ['output', 'error'].flatMap((name) => {
      const option = headerOption(script, name);
      const directory = option?.value.replace(/^\.\//, '').replace(/\/[^/]*$/, '');
      if (!option || directory === undefined || directory === '' || !option.value.includes('/')) return [];
      const made = makers.some(({ words }) =>
        words.some(({ value }) => value.replace(/^\.\//, '').replace(/\/+$/, '') === directory),
      );
      if (!made) return [];
      const message = `Slurm opens ${option.value} before the script runs: where ${directory} is not there yet the job fails without a log.`;
      return [
        {
          at: option.at,
          message,
          fix: `mkdir -p ${directory} && sbatch ${script.file === '-' ? 'FILE' : script.file}`,
        },
      ];
    });
  },
};
