import { optionOf } from '../shell/command.ts';
import type { Rule } from './rule.ts';

export const nodelistSpaces: Rule = {
  id: 'nodelist-spaces',
  severity: 'error',
  summary: 'Node names joined by spaces where Slurm wants commas',
  applies: 'any',
  check: ({ commands }) =>
    commands.flatMap((command) => {
      if (!command.srun && command.name !== 'sbatch' && command.name !== 'salloc') return [];
      const list = optionOf(command, '--nodelist', '-w', '--exclude', '-x');
      const value = list?.value ?? '';
      if (!list || !(/^[\w[\]-]+(?: +[\w[\]-]+)+$/.test(value) || /^\$\{\w+\[[*@]\]\}$/.test(value)))
        return [];
      return [
        {
          at: list.at,
          message: `Slurm reads a list of nodes up to the first space: "${value}" has them joined by spaces.`,
          fix: value.startsWith('$')
            ? `"$(IFS=,; echo "${value.replace('[@]', '[*]')}")"`
            : value.replace(/ +/g, ','),
          ...(value.startsWith('$') && !command.words.some(({ word }) => word.text.includes('"'))
            ? { severity: 'warning' as const }
            : {}),
        },
      ];
    }),
};
