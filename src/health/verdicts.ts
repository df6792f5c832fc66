import { oddNodes } from './across.ts';
import { type Check, limitOf, type Rule } from './check-schema.ts';
import { type Answer, type Facts, fill, isAcross, judgeRule } from './judge.ts';
import { rank, type Verdict } from './verdict.ts';

/** The verdicts of a check over all nodes that it ran on: for each node what is wrong, or one that says ok. */
export function verdictsOf(check: Check, answers: ReadonlyMap<string, Answer>): Verdict[] {
  const byNode = new Map([...answers].map(([node, { facts }]) => [node, facts] as const));
  const odd = check.rules
    .filter(isAcross)
    .flatMap((rule) => oddNodes(check, rule, byNode).map((one) => ({ rule, ...one })));
  return [...answers].flatMap(([node, answer]) => {
    const across = odd
      .filter((one) => one.node === node)
      .map(({ rule, more }) => verdict(check, node, answer, rule, more));
    return onNode(check, node, answer, across);
  });
}

function onNode(check: Check, node: string, answer: Answer, across: readonly Verdict[]): Verdict[] {
  if (answer.end !== 'ended') return [silent(check, node, answer)];
  const found: Verdict[] = [...across];
  let missing: string | undefined;
  for (const rule of check.rules) {
    const outcome = judgeRule(check, rule, answer.facts);
    if (outcome === undefined || outcome === 'ok') continue;
    if (outcome === 'unknown' && rule.severity !== 'unknown') missing ??= unclear(rule, answer.facts);
    else found.push(verdict(check, node, answer, rule));
  }
  if (missing !== undefined) found.push(unknown(check, node, answer, `the probe did not tell ${missing}`));
  if (found.length === 0) {
    const message = check.ok === undefined ? check.question : fill(check.ok, answer.facts, check);
    return [{ ...blank(check, node, answer), status: 'ok', message }];
  }
  return worstOfEach(found);
}

function verdict(
  check: Check,
  node: string,
  answer: Answer,
  rule: Rule,
  more: Record<string, string> = {},
): Verdict {
  const value = answer.facts.get(rule.fact) ?? null;
  return {
    ...blank(check, node, answer),
    status: rule.severity,
    message: fill(rule.message, answer.facts, check, more),
    fact: rule.fact,
    value: value !== null && /^-?\d{1,15}$/.test(value) ? Number(value) : value,
    limit: limitOf(check, rule) ?? more.common ?? null,
    fix: fill(rule.fix, answer.facts, check, more).replaceAll(/\bNODE\b/g, node),
  };
}

function silent(check: Check, node: string, answer: Answer): Verdict {
  return answer.end === 'late'
    ? unknown(check, node, answer, `no answer within ${check.seconds} s`)
    : unknown(check, node, answer, 'the probe said nothing');
}

function unknown(check: Check, node: string, answer: Answer, message: string): Verdict {
  const fix = `opsctl checks show ${check.id} --probe | bash   # on ${node}`;
  return { ...blank(check, node, answer), status: 'unknown', message, fix };
}

function blank(check: Check, node: string, { seconds }: Answer): Omit<Verdict, 'status' | 'message'> {
  return {
    check: check.id,
    node,
    fact: check.rules[0]?.fact ?? '',
    value: null,
    limit: null,
    fix: null,
    seconds,
  };
}

/** Which fact left a rule without an answer. */
function unclear(rule: Rule, facts: Facts): string {
  const missing = [...Object.keys(rule.when ?? {}), rule.fact].find((name) => !facts.has(name));
  return missing ?? `${rule.fact} as a whole number (${JSON.stringify(facts.get(rule.fact) ?? '')})`;
}

/** Of several verdicts on one fact, such as a warning and an alarm, the worst. */
function worstOfEach(verdicts: readonly Verdict[]): Verdict[] {
  const byFact = new Map<string, Verdict>();
  for (const one of verdicts) {
    const key = one.status === 'unknown' ? '' : one.fact;
    const known = byFact.get(key);
    if (!known || rank(one.status) > rank(known.status)) byFact.set(key, one);
  }
  return [...byFact.values()];
}
