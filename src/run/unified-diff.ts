/** Lines around a change, as diff -u shows them. */
const CONTEXT = 3;

type Op = { readonly kind: ' ' | '-' | '+'; readonly text: string };

/** The difference of two texts in the form of `diff -u`, without a header; empty when they are the same. For texts of some thousand lines. */
export function unifiedDiff(before: string, after: string): string[] {
  const ops = compare(before.split('\n'), after.split('\n'));
  const changed = ops.flatMap(({ kind }, index) => (kind === ' ' ? [] : [index]));
  const hunks: [number, number][] = [];
  for (const index of changed) {
    const last = hunks.at(-1);
    const from = Math.max(0, index - CONTEXT);
    const to = Math.min(ops.length, index + CONTEXT + 1);
    if (last && from <= last[1]) last[1] = to;
    else hunks.push([from, to]);
  }
  return hunks.flatMap(([from, to]) => [
    header(ops, from, to),
    ...ops.slice(from, to).map((op) => op.kind + op.text),
  ]);
}

function header(ops: readonly Op[], from: number, to: number): string {
  const count = (part: readonly Op[], other: Op['kind']) => part.filter(({ kind }) => kind !== other).length;
  const [earlier, hunk] = [ops.slice(0, from), ops.slice(from, to)];
  const range = (other: Op['kind']) => `${count(earlier, other) + 1},${count(hunk, other)}`;
  return `@@ -${range('+')} +${range('-')} @@`;
}

/** Longest common subsequence, by the table that textbooks have; what is the same at both ends is not put into it. */
function compare(before: readonly string[], after: readonly string[]): Op[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const same = (lines: readonly string[]): Op[] => lines.map((text) => ({ kind: ' ', text }));
  const middle = compareMiddle(
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  );
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

function compareMiddle(before: readonly string[], after: readonly string[]): Op[] {
  const width = after.length + 1;
  const table = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number) => table[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--)
    for (let column = after.length - 1; column >= 0; column--)
      table[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const ops: Op[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, fresh] = [before[row], after[column]];
    if (old !== undefined && old === fresh) {
      ops.push({ kind: ' ', text: old });
      row++;
      column++;
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      ops.push({ kind: '-', text: old });
      row++;
    } else {
      ops.push({ kind: '+', text: fresh ?? '' });
      column++;
    }
  }
  return ops;
}
