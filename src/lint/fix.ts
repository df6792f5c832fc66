import { lintText } from './lint.ts';
import type { Edit, Site } from './rule.ts';

/** One fix can make room for another; more rounds than there are kinds of edits are never needed. */
const MAX_ROUNDS = 8;

/** The text with every safe fix made; the same text when there is none. */
export function fixText(file: string, text: string, site: Site): string {
  let fixed = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { edits } = lintText(file, fixed, site);
    if (edits.length === 0) break;
    fixed = apply(fixed, edits);
  }
  return fixed;
}

/** Edits that overlap an earlier one wait for the next round. */
function apply(text: string, edits: readonly Edit[]): string {
  let result = '';
  let done = 0;
  let isWhole = false;
  for (const edit of [...edits].sort((a, b) => a.at - b.at || a.end - b.end)) {
    if (edit.at < done || isWhole) continue;
    result += text.slice(done, edit.at) + edit.text;
    done = edit.end;
    isWhole = edit.end === text.length && edit.at === 0;
  }
  return result + text.slice(done);
}

/** Lines that are different, as `- old` and `+ new`, with their numbers: what --fix shows. */
export function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let first = 0;
  while (first < Math.min(old.length, now.length) && old[first] === now[first]) first += 1;
  const lines: string[] = [];
  for (let a = first, b = first; a < old.length || b < now.length; ) {
    if (old[a] === now[b]) {
      a += 1;
      b += 1;
    } else if (now[b + 1] !== undefined && now[b + 1] === old[a]) {
      lines.push(`${b + 1}: + ${now[b]}`);
      b += 1;
    } else {
      if (a < old.length) lines.push(`${a + 1}: - ${old[a]}`);
      if (b < now.length) lines.push(`${b + 1}: + ${now[b]}`);
      a += 1;
      b += 1;
    }
  }
  return lines;
}
