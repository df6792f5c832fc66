import { readScript } from '../shell/script.ts';
import { redact } from '../system/secrets.ts';
import { readIgnored } from './ignore.ts';
import { rules } from './register.ts';
import type { Edit, Finding, Report, Rule, Severity, Site } from './rule.ts';

/** Where nothing is known beside the script. */
export const NO_SITE: Site = {
  partitions: new Map(),
  slurmVersion: undefined,
  trainers: { lists: () => [], changes: () => undefined },
  trainerVersions: new Map(),
};

export interface Linted {
  readonly findings: readonly Finding[];
  /** Safe edits of the findings, in the order of the rules. */
  readonly edits: readonly Edit[];
}

/** Everything the rules have to say about one text, by line. Decides only. */
export function lintText(file: string, text: string, site: Site): Linted {
  if (text.includes('\0')) {
    return { findings: [fileFinding(file, 'It is a binary file: a script has no NUL bytes.')], edits: [] };
  }
  const script = readScript(file, text);
  const lines = lineStarts(text);
  const ignored = readIgnored(text, new Set(rules.map(({ id }) => id)));
  const brokenAt = script.tree.errors?.[0]?.pos ?? Number.POSITIVE_INFINITY;
  const findings: Finding[] = [];
  const edits: Edit[] = [];
  const add = (rule: Pick<Rule, 'id' | 'severity'>, report: Report): void => {
    // Behind what bash cannot read the tree is a guess.
    if (report.at > brokenAt) return;
    const { line, column } = placeOf(report.at, lines);
    if (ignored.has(rule.id, line)) return;
    const severity: Severity = report.severity ?? rule.severity;
    const message = redact(report.message);
    findings.push({ file, line, column, rule: rule.id, severity, message, fix: redact(report.fix) });
    if (report.edit) edits.push(report.edit);
  };
  for (const rule of rules)
    if (rule.applies === 'any' || script.isBatch)
      for (const report of rule.check(script, site)) add(rule, report);
  for (const report of ignored.unknown) add({ id: 'ignore', severity: 'info' }, report);
  return { findings: findings.sort((a, b) => a.line - b.line || a.column - b.column), edits };
}

/** A file that cannot be read as text is a finding, so that the others are still looked at. */
export function fileFinding(file: string, message: string): Finding {
  return { file, line: 1, column: 1, rule: 'file', severity: 'error', message, fix: 'Name a script.' };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Line and column from 1; binary search, because a large file has many findings. */
function placeOf(at: number, starts: readonly number[]): { line: number; column: number } {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: at - (starts[low] ?? 0) + 1 };
}
