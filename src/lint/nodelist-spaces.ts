import { type Argument, type Assigned, optionOf } from '../shell/command.ts';
import type { Script } from '../shell/script.ts';
import type { Rule } from './rule.ts';

/** `${nodes[@]}`, `${nodes[*]:0:4}`; one element alone (`:0:1`) is one word in any case. */
const ELEMENTS = /^\$\{\w+\[([*@])\](?::\d+)?(?::(?!1\})\d+)?\}$/;
const NAMES = /^[\w[\]-]+(?: +[\w[\]-]+)+$/;

/**
 * Slurm takes spaces between the names of nodes as well as commas (srun and sbatch of 22.05, tried): what breaks is a list that the shell
 * makes several words of, because srun takes the second for the command.
 */
export const nodelistSpaces: Rule = {
  id: 'nodelist-spaces',
  severity: 'error',
  summary: 'A list of nodes that the shell makes several words of',
  applies: 'any',
  check: (script) =>
    script.commands.flatMap((command) => {
      if (!command.srun && command.name !== 'sbatch' && command.name !== 'salloc') return [];
      const list = optionOf(command, '--nodelist', '-w', '--exclude', '-x');
      const fix = list && oneWord(script, list, command.at);
      if (!list || fix === undefined) return [];
      const message = `${list.value} becomes a word for each node: ${command.name || 'srun'} reads the first, and takes the second for the command.`;
      return [{ at: list.at, message, fix }];
    }),
};

/** How it is written to be one word, where it is more than one as it stands. */
function oneWord(script: Script, { value, word }: Argument, at: number): string | undefined {
  const isQuoted = word.text.includes('"');
  const [, how] = ELEMENTS.exec(value) ?? [];
  if (how === '@' || (how === '*' && !isQuoted)) return `"$(IFS=,; echo "${value.replace('[@]', '[*]')}")"`;
  const variable = /^\$\{?(\w+)\}?$/.exec(value)?.[1];
  if (variable === undefined || isQuoted) return undefined;
  const set = script.assigned.findLast(({ name, at: place }) => name === variable && place < at);
  const between = set && signBetween(script, set);
  return between && fieldSeparators(script, at).includes(between) ? `"${value}"` : undefined;
}

/** What stands between the names in a variable; '' where there is nothing, or where it holds something else. */
function signBetween(script: Script, { value, at }: Assigned): string {
  if (!('value' in value)) return '';
  if (value.isLiteral) return NAMES.test(value.value) ? ' ' : '';
  const [, how] = ELEMENTS.exec(value.value) ?? [];
  if (how === undefined) return '';
  return how === '@' ? ' ' : fieldSeparators(script, at).slice(0, 1);
}

/** IFS as it is at a place. `unset IFS` and `IFS=$OLD_IFS` give back what it is by itself. */
function fieldSeparators({ assigned, commands }: Script, at: number): string {
  const set = assigned.findLast((one) => one.name === 'IFS' && one.at < at && at < one.until);
  const isUnset = commands.some(
    ({ name, words, at: place }) =>
      name === 'unset' && place < at && place > (set?.at ?? at) && words.some(({ value }) => value === 'IFS'),
  );
  const isKnown = set && !isUnset && 'value' in set.value && set.value.isLiteral;
  return isKnown && 'value' in set.value ? set.value.value : ' \t\n';
}
