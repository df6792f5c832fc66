import { header, headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';

export const requeueLog: Rule = {
  id: 'requeue-log',
  severity: 'warning',
  summary: 'A job that may be requeued, and a log that is then erased',
  applies: 'batch',
  check: (script) => {
    if (header(script, 'open-mode')?.startsWith('a')) return [];
    const option = headerOption(script, 'requeue');
    const command = script.commands.find(
      ({ name, words }) => name === 'scontrol' && words[1]?.value === 'requeue',
    );
    const at = option?.at ?? command?.at;
    if (at === undefined) return [];
    const line = '#SBATCH --open-mode=append';
    const first = script.directives[0];
    const start = first?.at ?? 0;
    return [
      {
        at,
        message: 'When the job is requeued its log is erased: the next attempt opens it anew.',
        fix: line,
        ...(first?.counts ? { edit: { at: start, end: start, text: `${line}\n` } } : {}),
      },
    ];
  },
};
