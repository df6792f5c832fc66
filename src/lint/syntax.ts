import type { Rule } from './rule.ts';

export const syntax: Rule = {
  id: 'syntax',
  severity: 'error',
  summary: 'Text that bash cannot read: the job would end there',
  applies: 'any',
  check: ({ tree, shebang, text }) => {
    const [error] = tree.errors ?? [];
    // Only bash's own grammar is known here, and \r in the wrong place is the rule `crlf`.
    if (!error || /\b[zk]sh\b/.test(shebang ?? '') || text.includes('\r\n')) return [];
    const message = `bash cannot read this: ${error.message}.`;
    return [{ at: error.pos, message, fix: 'Look at it with: bash -n FILE' }];
  },
};
