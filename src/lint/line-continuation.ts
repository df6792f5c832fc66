import type { Report, Rule } from './rule.ts';

/** A backslash that escapes a space, then nothing up to the line's end but more of them or a comment; then the next line. */
const SPLIT = /^\\[ \t]+(#.*)?\n([^\n]*)/;

export const lineContinuation: Rule = {
  id: 'line-continuation',
  severity: 'error',
  summary:
    'A \\ with a space or a comment behind it: the command ends there, and the next line is another one',
  applies: 'any',
  check: ({ text, commands }) =>
    commands.flatMap(({ name, words }) =>
      words.slice(1).flatMap(({ at }): Report[] => {
        const [, comment, next = ''] = (text[at] === '\\' && SPLIT.exec(text.slice(at))) || [];
        // The last line of a command may end as it likes.
        if (/^\s*(?:#|$)/.test(next)) return [];
        const behind = comment === undefined ? 'a space' : 'a comment';
        const message = `${name} ends at this \\, because ${behind} stands behind it: the next line is run as a command of its own.`;
        const fix =
          comment === undefined ? '\\   # with nothing behind it' : `${comment.trim()}   # above the command`;
        return [{ at, message, fix }];
      }),
    ),
};
