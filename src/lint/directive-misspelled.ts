import type { Rule } from './rule.ts';

/** `#SBTACH`, `#sbatch`, ` #SBATCH`; not `##SBATCH` and `# SBATCH`, with which people switch a line off. */
const NEARLY =
  /^(?:[ \t]+#SBATCH|#(?!SBATCH\b)(?:S?B?A?T?C?H|sbatch|Sbatch|SBTACH|SBACTH|SABTCH|SBATHC|SBATCH[A-Z]))[ \t]+-/;

export const directiveMisspelled: Rule = {
  id: 'directive-misspelled',
  severity: 'warning',
  summary: 'A line that is nearly an #SBATCH line, and only a comment',
  applies: 'any',
  check: ({ text, isText }) => {
    const reports = [];
    let at = 0;
    for (const line of text.split('\n')) {
      if (!/^\s*(?:#|$)/.test(line)) break;
      if (NEARLY.test(line) && !isText(at)) {
        const fix = line.trim().replace(/^#\w*/, '#SBATCH');
        reports.push({
          at,
          message: 'This is a comment to Slurm: only "#SBATCH" at the beginning of a line counts.',
          fix,
        });
      }
      at += line.length + 1;
    }
    return reports;
  },
};
