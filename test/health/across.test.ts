import { describe, expect, it } from 'vitest';
import type { Check, Rule } from '../../src/health/check-schema.ts';
import type { Answer } from '../../src/health/judge.ts';
import { verdictsOf } from '../../src/health/verdicts.ts';

function compared(op: Rule['op'], limit: number | undefined, values: Readonly<Record<string, string>>) {
  const rule = { fact: 'thing', op, severity: 'warning', message: 'odd', fix: 'mend' } as const;
  const check: Check = {
    id: 'own',
    question: 'Are they alike?',
    scope: 'node',
    level: 'node',
    gate: false,
    seconds: 2,
    probe: '',
    rules: [limit === undefined ? rule : { ...rule, limit }],
  };
  const answers = Object.entries(values).map(([node, value]): [string, Answer] => [
    node,
    { facts: new Map([['thing', value]]), end: 'ended', seconds: 0 },
  ]);
  return verdictsOf(check, new Map(answers)).map(({ node, status }) => `${node} ${status}`);
}

describe('a rule that compares nodes', () => {
  it.each(['spread', 'below-median'] as const)(
    '%s calls a node whose fact is no number unknown, and still compares the others',
    (op) => {
      const values = { a: '1000', b: '1000', c: '3', d: '[N/A]', e: '1e3' };
      expect(compared(op, 50, values)).toEqual(['a ok', 'b ok', 'c warning', 'd unknown', 'e unknown']);
    },
  );

  it('calls a lone node with a malformed fact unknown as well', () => {
    expect(compared('spread', 5, { a: 'soon' })).toEqual(['a unknown']);
  });

  it('lets a text differ: one that is no number is a value like any other', () => {
    expect(compared('differs', undefined, { a: '[N/A]', b: '[N/A]', c: '5' })).toEqual([
      'a ok',
      'b ok',
      'c warning',
    ]);
  });
});
