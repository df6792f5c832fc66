import type { Rule } from './rule.ts';

const EVERYBODYS = /^\/(?:tmp|dev\/shm|var\/tmp)(?:\/?|\/\*)$/;

export const rmShared: Rule = {
  id: 'rm-shared',
  severity: 'error',
  summary: 'rm -rf of /tmp or /dev/shm: other jobs on the node have files there',
  applies: 'any',
  check: ({ commands }) =>
    commands.flatMap(({ name, words, at }) => {
      const isRecursive = words.some(({ value }) => /^-[a-zA-Z]*[rR]|^--recursive/.test(value));
      const target = words.slice(1).find(({ value }) => EVERYBODYS.test(value));
      const carried =
        name === 'pdsh' || name === 'ssh'
          ? /\brm -\w*r\w* (\/(?:tmp|dev\/shm)(?:\/?|\/\*))(?:\s|$)/.exec(
              words.map(({ value }) => value).join(' '),
            )
          : null;
      const what = name === 'rm' && isRecursive ? target?.value : carried?.[1];
      if (what === undefined) return [];
      const message = `${what} belongs to every job on the node: this deletes the files of others, and those of this run.`;
      return [{ at, message, fix: 'export TMPDIR=$(mktemp -d); trap \'rm -rf "$TMPDIR"\' EXIT' }];
    }),
};
