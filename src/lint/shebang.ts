import type { Rule } from './rule.ts';

/** sbatch: "This does not look like a batch script. The first line must start with #!" (src/sbatch/sbatch.c). */
export const shebang: Rule = {
  id: 'shebang',
  severity: 'error',
  summary: 'No #! in the first line: sbatch refuses the file',
  applies: 'any',
  // An empty file has nothing that shows what it was to be; sbatch refuses it too ("Batch script is empty!").
  check: ({ text, isBatch }) =>
    text.startsWith('#!') || !(isBatch || text.trim() === '')
      ? []
      : [
          {
            at: 0,
            message: 'The first line does not begin with #!: sbatch refuses the file.',
            fix: '#!/bin/bash',
            edit: { at: 0, end: 0, text: text.includes('\r\n') ? '#!/bin/bash\r\n' : '#!/bin/bash\n' },
          },
        ],
};
