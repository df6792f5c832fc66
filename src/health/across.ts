import type { Check, Rule } from './check-schema.ts';
import { limitOf } from './check-schema.ts';
import { type Facts, isWhole } from './judge.ts';

/** A node that stands out, and what its message may name. */
export interface Odd {
  readonly node: string;
  readonly more: Readonly<Record<string, string>>;
}

/** Which nodes a rule that compares them finds odd. Fewer than two nodes with the fact cannot be compared. */
export function oddNodes(check: Check, rule: Rule, byNode: ReadonlyMap<string, Facts>): Odd[] {
  const known = [...byNode].flatMap(([node, facts]) => {
    const value = facts.get(rule.fact);
    const meant = Object.entries(rule.when ?? {}).every(([name, wanted]) => facts.get(name) === wanted);
    return value === undefined || !meant ? [] : [{ node, value }];
  });
  if (known.length < 2) return [];
  if (rule.op === 'differs') return different(known);
  const numbers = known.flatMap(({ node, value }) =>
    // One that is no number is unknown on its node (judge.ts); the others are still compared.
    isWhole(value) ? [{ node, number: Number(value) }] : [],
  );
  if (numbers.length < 2) return [];
  const sorted = numbers.map(({ number }) => number).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const limit = Number(limitOf(check, rule));
  if (rule.op === 'below-median')
    return numbers
      .filter(({ number }) => number * 100 < median * limit)
      .map(({ node }) => ({ node, more: { median: String(median) } }));
  const spread = (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
  if (spread <= limit) return [];
  // The one that is farthest from what most say.
  const far = numbers.reduce((a, b) => (Math.abs(b.number - median) > Math.abs(a.number - median) ? b : a));
  return [{ node: far.node, more: { spread: String(spread), median: String(median) } }];
}

function different(known: readonly { node: string; value: string }[]): Odd[] {
  const counts = new Map<string, number>();
  for (const { value } of known) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [common = ''] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  return known.filter(({ value }) => value !== common).map(({ node }) => ({ node, more: { common } }));
}
