import type { Rule } from './rule.ts';

const CARRIERS = new Set(['srun', 'ssh', 'pdsh', 'clush', 'pssh', 'bash', 'sh', 'mpirun']);
const DISTANT = /\b(?:ssh|pdsh|clush|pssh)\b/;

export const pkillSelf: Rule = {
  id: 'pkill-self',
  severity: 'error',
  summary: 'pkill -f that also ends the command that carries it',
  applies: 'any',
  check: ({ commands }) =>
    commands.flatMap((command) => {
      const { name, words, at, via } = command;
      // `ssh node pkill -f x`: pkill is an argument there.
      const carried =
        CARRIERS.has(name) && DISTANT.test(name)
          ? words.findIndex(({ value }) => /\bpkill\b/.test(value))
          : -1;
      const line = carried === -1 ? words : words.slice(carried);
      const isPkill = name === 'pkill' || carried !== -1;
      const text = line.map(({ value }) => value).join(' ');
      const full = /\bpkill\s+(?:-\w+\s+)*(?:-\w*f\w*|--full)\s+(\S+)/.exec(text);
      const pattern = full?.[1]?.replace(/^["']|["']$/g, '');
      if (!isPkill || pattern === undefined) return [];
      // The text of a here-document is on nobody's command line.
      const carrier =
        carried !== -1
          ? name
          : via.findLast(
              (one) => CARRIERS.has(one.name) && one.words.some(({ word }) => word.text.includes('pkill')),
            )?.name;
      if (carrier === undefined || /\[/.test(pattern)) return [];
      const message = `"${pattern}" also stands on the command line of the ${carrier} that carries this pkill: it ends that one too.`;
      const first = pattern[0] ?? '';
      return [{ at, message, fix: `pkill -f '[${first}]${pattern.slice(1)}'` }];
    }),
};
