import type { Rule } from './rule.ts';

const HOSTNAMES = /^\$\(\s*scontrol show hostnames?\b[^|]*\)$/;

export const quotedList: Rule = {
  id: 'quoted-list',
  severity: 'error',
  summary: 'An array made from one quoted list: it has a single element',
  applies: 'any',
  check: ({ assigned }) => {
    const lists = new Set(
      assigned.flatMap(({ name, value }) => ('value' in value && HOSTNAMES.test(value.value) ? [name] : [])),
    );
    return assigned.flatMap(({ name, at, value }) => {
      if ('value' in value || value.length !== 1) return [];
      const [only] = value;
      if (!only?.word.text.startsWith('"')) return [];
      const variable = /^\$\{?(\w+)\}?$/.exec(only.value)?.[1];
      if (!HOSTNAMES.test(only.value) && !(variable !== undefined && lists.has(variable))) return [];
      const source = variable === undefined ? `< <(${only.value.slice(2, -1)})` : `<<<"$${variable}"`;
      const message = `The quotes make ${name} an array of one element: all names in one text.`;
      return [{ at, message, fix: `mapfile -t ${name} ${source}` }];
    });
  },
};
