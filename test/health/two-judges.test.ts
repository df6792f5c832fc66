import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JUDGE } from '../../src/health/bash-runtime.ts';
import { loadChecks } from '../../src/health/catalogue.ts';
import type { Check, Rule } from '../../src/health/check-schema.ts';
import { quoted, rulesFunction } from '../../src/health/compile.ts';
import { fill, isAcross, judgeRule } from '../../src/health/judge.ts';
import { exec } from '../../src/system/exec.ts';

interface Case {
  readonly check: Check;
  readonly facts: Readonly<Record<string, string>>;
}

const SHELL = `set -u\nexport LC_ALL=C\ndeclare -A fact=()\n${JUDGE}
told() { printf '%s\\t%s\\n' "$1" "$([[ $1 == unknown || $1 == ok ]] || printf %s "$3")"; }`;

/** What bash says of many cases, in one start: for each rule that was judged its outcome and, where it holds, its message. */
function inBash(cases: readonly Case[]): string[][] {
  const parts = cases.map(({ check, facts }) => {
    const known = Object.entries(facts).map(([name, value]) => `fact[${name}]=${quoted(value)}`);
    return `fact=()\n${known.join('\n')}\n${rulesFunction(check)}\nrules_x\necho .next`;
  });
  const output = execFileSync('bash', ['-s'], { input: `${SHELL}\n${parts.join('\n')}\n`, encoding: 'utf8' });
  return output
    .split('.next\n')
    .slice(0, -1)
    .map((text) => text.split('\n').slice(0, -1));
}

/** The same of TypeScript's judge. A severity of "unknown" has a message in neither. */
function here({ check, facts }: Case): string[] {
  const known = new Map(Object.entries(facts));
  return check.rules
    .filter((rule) => !isAcross(rule))
    .flatMap((rule) => {
      const outcome = judgeRule(check, rule, known);
      if (outcome === undefined) return [];
      const says = outcome === 'warning' || outcome === 'critical';
      return [`${outcome}\t${says ? fill(rule.message, known, check) : ''}`];
    });
}

/** One line as a probe may print it: no line break, no NUL. */
const line = fc.string({ unit: 'grapheme', maxLength: 24 }).map((text) => text.replace(/[\n\r\0]/g, ' '));
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.constantFrom(
    '007',
    '-0',
    '00',
    '-008',
    '+5',
    '1e3',
    '3.5',
    '3,5',
    '0x10',
    '[N/A]',
    '',
    ' 5',
    '5 ',
    '-',
    '١٢',
    '9223372036854775808',
  ),
);
const hostile = fc.constantFrom(
  '$(id)',
  '`id`',
  '"; exit 1; "',
  "'",
  '\\',
  '*',
  '?',
  '[a-z]',
  '{a}',
  '${a}',
  '~',
  '!',
  '-n',
  'a b',
  '\t',
);
const value = fc.oneof(number, line, hostile, fc.constantFrom('none', 'yes', 'no'));
const names = ['a', 'b', 'c'] as const;
const facts = fc.dictionary(fc.constantFrom(...names), value, { noNullPrototype: true });
const text = fc
  .array(fc.oneof(line, fc.constantFrom('{a}', '{b}', '{limit_a}', '{nobody}', '{')))
  .map((parts) => `m${parts.join('')}`);
const rule: fc.Arbitrary<Rule> = fc
  .oneof(
    fc.record({
      op: fc.constantFrom('lt', 'le', 'gt', 'ge'),
      limit: fc.oneof(
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
        fc.integer({ min: -3, max: 3 }),
        fc.constant('limit_a'),
      ),
    }),
    fc.record({ op: fc.constantFrom('eq', 'ne', 'in'), limit: fc.oneof(value, fc.constant('none yes')) }),
  )
  .chain((judged) =>
    fc.record({
      fact: fc.constantFrom(...names),
      op: fc.constant(judged.op as Rule['op']),
      limit: fc.constant(judged.limit),
      severity: fc.constantFrom('warning' as const, 'critical' as const),
      message: text,
      fix: fc.constant('fix'),
      when: fc.oneof(
        fc.constant({}),
        fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 2, noNullPrototype: true }),
      ),
    }),
  );
const synthetic: fc.Arbitrary<Case> = fc.record({
  check: fc.array(rule, { minLength: 1, maxLength: 4 }).map(
    (rules): Check => ({
      id: 'x',
      question: 'q',
      scope: 'node',
      level: 'node',
      gate: true,
      seconds: 5,
      limits: { limit_a: 2 },
      rules,
      probe: '',
    }),
  ),
  facts,
});

describe('one rule, two judges', () => {
  it('says the same of random facts in bash and here, missing, malformed and hostile ones too', () => {
    fc.assert(
      fc.property(fc.array(synthetic, { minLength: 60, maxLength: 60 }), (cases) => {
        expect(inBash(cases)).toEqual(cases.map(here));
      }),
      { numRuns: 25 },
    );
  });

  it('says the same of every rule of the catalogue', async () => {
    const checks = await loadChecks({ env: { HOME: '/nowhere', PATH: process.env.PATH }, exec });
    const cases = checks.flatMap((check) => {
      const wanted = [...new Set(check.rules.flatMap((one) => [one.fact, ...Object.keys(one.when ?? {})]))];
      const limits = check.rules.flatMap((one) => [String(one.limit), ...Object.values(one.when ?? {})]);
      const likely = fc.oneof(fc.constantFrom(...limits), value);
      const some = fc.record(Object.fromEntries(wanted.map((name) => [name, likely])), { requiredKeys: [] });
      return fc.sample(some, 25).map(
        (found): Case => ({
          check: { ...check, id: 'x' },
          facts: Object.fromEntries(
            Object.entries(found).flatMap(([name, one]) => (one === undefined ? [] : [[name, one]])),
          ),
        }),
      );
    });
    expect(inBash(cases)).toEqual(cases.map(here));
  });
});
