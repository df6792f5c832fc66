import { didYouMean } from '../terminal/suggest.ts';
import type { Report } from './rule.ts';

const COMMENT = /#\s*opsctl-lint:\s*ignore=([\w,\- ]+)/;

/** Rules that a script asks to leave out, by line (from 1) or for the whole file. */
export interface Ignored {
  readonly has: (rule: string, line: number) => boolean;
  /** Names there that are no rules. */
  readonly unknown: readonly Report[];
}

/**
 * `# opsctl-lint: ignore=rule[,rule]` behind a line holds for that line, on a line of its own for the next one, and
 * above the first command for the whole file.
 */
export function readIgnored(text: string, known: ReadonlySet<string>): Ignored {
  const everywhere = new Set<string>();
  const byLine = new Map<number, Set<string>>();
  const unknown: Report[] = [];
  if (!text.includes('opsctl-lint:')) return { has: () => false, unknown };
  let at = 0;
  let inHead = true;
  for (const [index, line] of text.split('\n').entries()) {
    const isComment = /^\s*(?:#|$)/.test(line);
    inHead &&= isComment;
    const names =
      COMMENT.exec(line)?.[1]
        ?.split(',')
        .map((name) => name.trim()) ?? [];
    const own = isComment ? index + 2 : index + 1;
    const place = inHead ? everywhere : (byLine.get(own) ?? new Set());
    for (const name of names.filter(Boolean)) {
      place.add(name);
      if (known.has(name)) continue;
      const message = `There is no rule "${name}" to ignore.${didYouMean(name, known)}`;
      unknown.push({ at, message, fix: 'opsctl lint --rules', severity: 'info' });
    }
    if (names.length > 0 && !inHead) byLine.set(own, place);
    at += line.length + 1;
  }
  return { has: (rule, line) => everywhere.has(rule) || byLine.get(line)?.has(rule) === true, unknown };
}
