import { optionReport } from './option-report.ts';
import type { Report, Rule } from './rule.ts';

export const directiveOption: Rule = {
  id: 'directive-option',
  severity: 'error',
  summary: 'An #SBATCH line with an option or word that sbatch refuses',
  applies: 'batch',
  check: ({ directives }, site) =>
    directives
      .filter(({ counts }) => counts)
      .flatMap(({ at, options, stray, words }): Report[] => {
        const reports = options.flatMap((option) => optionReport('sbatch', option, at, site) ?? []);
        // A template of a script, to be filled in.
        const isTemplate = words.some((word) => /[{<]/.test(word));
        if (
          stray === undefined ||
          isTemplate ||
          reports.length > 0 ||
          /^(?:pack|het)job$/i.test(words[0] ?? '')
        )
          return reports;
        const message = `"${stray}" belongs to no option: sbatch refuses the script.`;
        const isValue = options.length > 0;
        const fix = isValue
          ? 'Quote a value with spaces, and write --option=value.'
          : `#SBATCH --${stray.replace(/^[\u2010-\u2015\u2212]+/, '')}`;
        return [{ at, message, fix }];
      }),
};
