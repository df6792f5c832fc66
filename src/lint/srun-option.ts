import { optionReport } from './option-report.ts';
import type { Rule } from './rule.ts';

export const srunOption: Rule = {
  id: 'srun-option',
  severity: 'error',
  summary: 'An option that srun does not have: the step fails after the wait in the queue',
  applies: 'any',
  check: ({ commands }, site) =>
    commands.flatMap(({ srun, words }) =>
      (srun?.options ?? []).flatMap((option) => {
        const word = words[option.index + 1];
        // Behind `$OPTIONS` one cannot know where the command begins.
        if (
          !word ||
          words.slice(1, option.index + 2).some(({ isLiteral, value }) => !isLiteral && !/^-.+=/.test(value))
        )
          return [];
        return optionReport('srun', option, word.at, site) ?? [];
      }),
    ),
};
