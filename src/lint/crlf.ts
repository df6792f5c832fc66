import type { Rule } from './rule.ts';

/** sbatch: "Batch script contains DOS line breaks (\r\n)" (src/sbatch/sbatch.c). */
export const crlf: Rule = {
  id: 'crlf',
  severity: 'error',
  summary: 'DOS line ends: sbatch refuses them',
  applies: 'any',
  check: ({ text, isBatch }) => {
    const at = text.indexOf('\r\n');
    if (at === -1) return [];
    const message = isBatch
      ? 'The file has DOS line ends (\\r\\n): sbatch refuses it.'
      : 'The file has DOS line ends (\\r\\n): bash takes the \\r for a part of the last word.';
    const edit = { at: 0, end: text.length, text: text.replaceAll('\r\n', '\n') };
    return [{ at, message, fix: `sed -i 's/\\r$//' FILE`, edit }];
  },
};
