import { ACROSS, type Check, limitOf, type Rule } from './check-schema.ts';
import type { Status } from './verdict.ts';

export type Facts = ReadonlyMap<string, string>;

/** What one probe gave on one node. */
export interface Answer {
  readonly facts: Facts;
  /** ended: it came to its end. late: its time limit ended it. silent: nothing was heard of it. */
  readonly end: 'ended' | 'late' | 'silent';
  readonly seconds: number;
}

/** What a rule says of one node; undefined when it has nothing to say there. */
export type Outcome = Status | undefined;

/** A number that a rule can compare: whole, of any length. `[N/A]`, `3.5` and an empty text are none. */
export function isWhole(value: string): boolean {
  return /^-?[0-9]+$/.test(value);
}

/**
 * Never throws: a fact that is missing or malformed is unknown, and never ok. Of a rule that compares nodes it says only
 * whether this node's fact can be compared (`oddNodes` does the rest).
 */
export function judgeRule(check: Check, rule: Rule, facts: Facts): Outcome {
  for (const [name, wanted] of Object.entries(rule.when ?? {})) {
    const value = facts.get(name);
    if (value === undefined) return 'unknown';
    if (value !== wanted) return undefined;
  }
  const value = facts.get(rule.fact);
  if (value === undefined) return 'unknown';
  if (isAcross(rule)) return rule.op === 'differs' || isWhole(value) ? undefined : 'unknown';
  const limit = String(limitOf(check, rule));
  if (rule.op === 'eq') return value === limit ? rule.severity : 'ok';
  if (rule.op === 'ne') return value === limit ? 'ok' : rule.severity;
  if (rule.op === 'in') return limit.split(' ').includes(value) ? rule.severity : 'ok';
  if (!isWhole(value)) return 'unknown';
  return compare(BigInt(value), rule.op, BigInt(limit)) ? rule.severity : 'ok';
}

export function isAcross({ op }: Rule): boolean {
  return (ACROSS as readonly string[]).includes(op);
}

function compare(value: bigint, op: Rule['op'], limit: bigint): boolean {
  if (op === 'lt') return value < limit;
  if (op === 'le') return value <= limit;
  if (op === 'gt') return value > limit;
  return value >= limit;
}

/** A message or fix with the values of facts and limits in the place of `{name}`; `?` for one that is not known. */
export function fill(
  text: string,
  facts: Facts,
  check: Check,
  more: Readonly<Record<string, string>> = {},
): string {
  return text.replace(/\{([a-z0-9_]+)\}/g, (_, name: string) =>
    String(more[name] ?? facts.get(name) ?? check.limits?.[name] ?? '?'),
  );
}
