import { shellWord } from '../template/quote.ts';
import { type Check, limitOf, type Rule } from './check-schema.ts';
import { isAcross } from './judge.ts';

/** Values of `CHECK_...` for the probes, as the run or the profile gives them. May hold several lines. */
export type Inputs = Readonly<Record<string, string>>;

/** A check's probe as a function: `run_checks` calls it in a shell of its own. */
export function probeFunction(check: Check): string {
  return `probe_${functionName(check)}() {\n${check.probe}\n}`;
}

/** A check's rules as bash, for the nodes: those that compare nodes are left out. */
export function rulesFunction(check: Check): string {
  const rules = check.rules.filter((rule) => !isAcross(rule)).map((rule) => `  ${ruleCall(check, rule)}`);
  return `rules_${functionName(check)}() {\n${[...thresholds(check), ...rules, '  :'].join('\n')}\n}`;
}

/** The limits that a text of the check names, as an array of bash. */
function thresholds(check: Check): string[] {
  const texts = check.rules.map(({ message, fix }) => message + fix).join(' ');
  const named = Object.entries(check.limits ?? {}).filter(([name]) => texts.includes(`{${name}}`));
  const entries = named.map(([name, value]) => `[${name}]=${quoted(String(value))}`);
  return entries.length === 0 ? [] : [`  local -A threshold=(${entries.join(' ')})`];
}

function ruleCall(check: Check, rule: Rule): string {
  const when = Object.entries(rule.when ?? {}).flatMap(([name, value]) => [shellWord(name), quoted(value)]);
  return [
    'rule',
    rule.severity,
    rule.fact,
    rule.op,
    quoted(String(limitOf(check, rule))),
    filledWord(rule.message, check),
    filledWord(rule.fix, check),
    ...when,
  ].join(' ');
}

/** A text with `{name}` in it as one word of bash that fills it from the facts, else from the thresholds of `rulesFunction`. */
export function filledWord(text: string, check: Check): string {
  const words = text.split(/\{([a-z0-9_]+)\}/).map((part, index) => {
    if (index % 2 === 0) return part === '' ? '' : quoted(part);
    // A probe may tell a fact under the name of a limit: the fact comes first, as in judge.ts.
    const known = Object.hasOwn(check.limits ?? {}, part);
    return `"\${fact[${part}]-${known ? `\${threshold[${part}]}` : '?'}}"`;
  });
  return words.join('') || "''";
}

/** Exports for the probes' inputs and for the limits that a probe itself reads. */
export function exportsOf(checks: readonly Check[], inputs: Inputs): string {
  const limits = checks.flatMap(({ limits = {}, probe }) =>
    Object.entries(limits)
      .map(([name, value]) => [`CHECK_${name.toUpperCase()}`, String(value)] as const)
      .filter(([name]) => probe.includes(name)),
  );
  const wanted = new Set(checks.flatMap(({ inputs: names = [] }) => names));
  const given = Object.entries(inputs).filter(([name]) => wanted.has(name));
  return [...limits, ...given].map(([name, value]) => `export ${name}=${quoted(value)}`).join('\n');
}

export function functionName({ id }: Pick<Check, 'id'>): string {
  return id.replaceAll('-', '_');
}

/** One word of bash; a line break stands as $'\n', so that no line of a script is a value's own. */
export function quoted(value: string): string {
  return (
    value
      .split('\n')
      .map((line) => (line === '' ? '' : shellWord(line)))
      .join("$'\\n'") || "''"
  );
}

/**
 * `ID:SECONDS`, and which share a shell, of each; none longer than the limit. What waits for an answer from outside is first, beside the rest;
 * what may take long comes last, because the others wait for it.
 */
export function specs(checks: readonly Check[], limit = Number.POSITIVE_INFINITY): string {
  return [...checks]
    .sort(
      (one, other) =>
        Number(other.outside ?? false) - Number(one.outside ?? false) || one.seconds - other.seconds,
    )
    .map(({ id, seconds, outside, shell }) =>
      [
        id,
        Math.min(seconds, limit),
        ...(outside ? ['waits'] : []),
        ...(shell === 'shared' ? [shell] : []),
      ].join(':'),
    )
    .join(' ');
}
