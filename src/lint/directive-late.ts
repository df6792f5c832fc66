import type { Rule } from './rule.ts';

export const directiveLate: Rule = {
  id: 'directive-late',
  severity: 'warning',
  summary: 'An #SBATCH line below the first command: Slurm does not read it',
  applies: 'batch',
  check: ({ directives }) =>
    directives
      .filter(({ counts }) => !counts)
      .map(({ at, words }) => ({
        at,
        message: `"#SBATCH ${words.join(' ')}" stands below the first command: Slurm ignores it.`,
        fix: 'Move the line up, between #! and the first command.',
      })),
};
