import type { Rule } from './rule.ts';

/** Free text, in which a $ does no harm but is not replaced either. */
const TEXT_ONLY = new Set(['comment', 'job-name', 'wrap', 'mail-user', 'wckey']);

export const directiveVariable: Rule = {
  id: 'directive-variable',
  severity: 'error',
  summary: 'A $ in an #SBATCH line: nothing expands it',
  applies: 'batch',
  check: ({ directives }) =>
    directives
      .filter(({ counts }) => counts)
      .flatMap(({ at, options }) =>
        options.flatMap(({ name, value }) => {
          const variable = /\$\{?\w+|\$\(/.exec(value ?? '')?.[0];
          if (variable === undefined) return [];
          return [
            {
              at,
              severity: TEXT_ONLY.has(name) ? ('warning' as const) : ('error' as const),
              message: `Slurm does not expand "${variable}" in --${name}: #SBATCH lines are comments to the shell.`,
              fix:
                name === 'output' || name === 'error'
                  ? `#SBATCH --${name}=/full/path/%x-%j.out`
                  : `Give it when you submit: sbatch --${name}="${value}" FILE`,
            },
          ];
        }),
      ),
};
