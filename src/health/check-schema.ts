import * as z from 'zod/mini';

/** Those that need the facts of several nodes at once. */
export const ACROSS = ['differs', 'spread', 'below-median'] as const;
const NUMERIC = ['lt', 'le', 'gt', 'ge', 'spread', 'below-median'];

const fact = z.string().check(z.regex(/^[a-z0-9_]+$/, 'expected the name of a fact: a-z, 0-9 and _'));
const value = z.union([z.string(), z.int()]);

const ruleSchema = z.strictObject({
  fact,
  op: z.enum(['eq', 'ne', 'in', 'lt', 'le', 'gt', 'ge', ...ACROSS]),
  /** A value, or the name of a limit. */
  limit: z.optional(value),
  /** The rule is judged only when these facts have these values. */
  when: z.optional(z.record(fact, z.string())),
  severity: z.enum(['warning', 'critical', 'unknown']),
  /** False: not said before each run, because it is the ordinary state of many clusters and no run depends on it. */
  gate: z.optional(z.boolean()),
  message: z.string().check(z.minLength(1)),
  fix: z.string().check(z.minLength(1)),
});

export const checkSchema = z.strictObject({
  id: z.string().check(z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by "-"')),
  question: z.string().check(z.minLength(1)),
  scope: z.enum(['node', 'login', 'both']),
  level: z.enum(['node', 'run']),
  gate: z.boolean(),
  /** What is said when all is well, with `{name}` as in a rule's message; the question, when left out. */
  ok: z.optional(z.string().check(z.minLength(1))),
  /**
   * What a probe looks at: the node; what its own user has there (limits, variables); or a run, so that it is asked when
   * one is named. The node, when left out.
   */
  about: z.optional(z.enum(['node', 'user', 'run'])),
  /** `shared`: its probe may run in the shell that runs others, because it changes nothing of it. Its own, when left out. */
  shell: z.optional(z.enum(['own', 'shared'])),
  /**
   * Whether it asks machines outside of the cluster. It waits more than it computes, so it is asked first, beside the others; and
   * of the nodes when a run is named, because all of them ask the same name server at once.
   */
  outside: z.optional(z.boolean()),
  /** Time limit of the probe. */
  seconds: z.int().check(z.minimum(1), z.maximum(300)),
  faults: z.optional(z.array(z.int())),
  inputs: z.optional(z.array(z.string().check(z.regex(/^CHECK_[A-Z0-9_]+$/, 'must begin with CHECK_')))),
  tools: z.optional(z.array(z.string())),
  limits: z.optional(z.record(fact, value)),
  rules: z.array(ruleSchema).check(z.minLength(1)),
});

export type CheckFront = z.infer<typeof checkSchema>;
export type Rule = z.infer<typeof ruleSchema>;

/** A check: what its comment says, and its probe. */
export interface Check extends CheckFront {
  /** Bash text without the comment. */
  readonly probe: string;
}

/** What the schema cannot say of a check, in words; empty when it is sound. */
export function checkProblems(check: CheckFront): string[] {
  return check.rules.flatMap((rule, index) => {
    const limit = limitOf(check, rule);
    const where = `rule ${index + 1} (${rule.fact} ${rule.op})`;
    if (rule.op !== 'differs' && limit === undefined) return [`${where} has no limit`];
    if (NUMERIC.includes(rule.op) && !/^-?\d+$/.test(String(limit)))
      return [`${where}: the limit "${limit}" is no whole number and no name under limits`];
    return [];
  });
}

/** The value that a rule holds its fact against. */
export function limitOf(check: Pick<CheckFront, 'limits'>, rule: Rule): string | number | undefined {
  const named = check.limits ?? {};
  return Object.hasOwn(named, String(rule.limit)) ? named[String(rule.limit)] : rule.limit;
}
