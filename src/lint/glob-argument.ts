import type { Rule } from './rule.ts';

const PROGRAMS = new Set(['torchrun', 'accelerate', 'deepspeed', 'python', 'python3']);

export const globArgument: Rule = {
  id: 'glob-argument',
  severity: 'info',
  summary: 'An unquoted * in an argument: the program is given as many words as there are files',
  applies: 'any',
  check: ({ commands }) =>
    commands
      .filter(({ name }) => PROGRAMS.has(name))
      .flatMap(({ words }) =>
        words.slice(1).flatMap(({ word, at }, index) => {
          if (
            !words[index]?.value.startsWith('--') ||
            !word.parts?.some((part) => part.type === 'Glob' && part.kind === 'star')
          )
            return [];
          const option = words[index]?.value ?? '';
          const message = `The shell expands ${word.text}: ${option} gets one word for each file, and hundreds make the line too long.`;
          return [{ at, message, fix: `'${word.text}'   # or a directory` }];
        }),
      ),
};
