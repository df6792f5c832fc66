import { optionOf } from '../shell/command.ts';
import type { Rule } from './rule.ts';

/** `${nodes[@]}`, `${nodes[*]:0:4}`: the elements with spaces between. */
const ELEMENTS = /^\$\{(\w+)\[[*@]\](:\d+)?(:\d+)?\}$/;

export const nodelistSpaces: Rule = {
  id: 'nodelist-spaces',
  severity: 'error',
  summary: 'Node names joined by spaces where Slurm wants commas',
  applies: 'any',
  check: ({ commands, assigned }) => {
    const changesIfs = assigned.some(({ name }) => name === 'IFS');
    const joined = new Map(
      assigned.flatMap(({ name, value }) =>
        'value' in value && ELEMENTS.test(value.value) && !changesIfs ? [[name, value.value] as const] : [],
      ),
    );
    return commands.flatMap((command) => {
      if (!command.srun && command.name !== 'sbatch' && command.name !== 'salloc') return [];
      const list = optionOf(command, '--nodelist', '-w', '--exclude', '-x');
      const value = list?.value ?? '';
      const variable = /^\$\{?(\w+)\}?$/.exec(value)?.[1] ?? '';
      const elements = ELEMENTS.test(value) ? value : joined.get(variable);
      if (!list || !(elements !== undefined || /^[\w[\]-]+(?: +[\w[\]-]+)+$/.test(value))) return [];
      const isUnsure = ELEMENTS.test(value) && !command.words.some(({ word }) => word.text.includes('"'));
      return [
        {
          at: list.at,
          message: `Slurm reads a list of nodes up to the first space: "${value}" has them joined by spaces.`,
          fix:
            elements === undefined
              ? value.replace(/ +/g, ',')
              : `"$(IFS=,; echo "${elements.replace('[@]', '[*]')}")"`,
          ...(isUnsure ? { severity: 'warning' as const } : {}),
        },
      ];
    });
  },
};
