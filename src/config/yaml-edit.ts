import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Entry } from './findings.ts';
import { blockLines, flowText } from './yaml-write.ts';

/** One change to a text: everything outside it stays byte for byte. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** A key with its value, as the yaml package parsed it. */
export type ParsedPair = Pair<Node, Node | null>;

/** The edits in one go; those at the same place keep their order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let done = 0;
  for (const edit of [...edits].sort((a, b) => a.from - b.from)) {
    result += text.slice(done, edit.from) + edit.text;
    done = edit.to;
  }
  return result + text.slice(done);
}

/** Puts a value in the place of another, in one line. Comments inside a list written over several lines go with it. */
export function replaceValue(text: string, pair: ParsedPair, entry: Entry): Edit {
  const keyEnd = pair.key.range?.[1] ?? 0;
  const colon = text.indexOf(':', keyEnd) + 1;
  const value = pair.value;
  const isBlock = isSeq(value) && !value.flow;
  const from = isBlock || !value?.range || value.range[0] < colon ? colon : value.range[0];
  const to = Math.max(colon, endOf(pair));
  return { from, to, text: `${from === colon ? ' ' : ''}${flowText(entry.value)}` };
}

/**
 * Adds entries behind the last one of a map.
 * @param parent the key with the map as its value
 * @param inFlow the key itself stands between braces, where no line of its own can be opened
 */
export function addEntries(
  text: string,
  parent: ParsedPair,
  entries: readonly Entry[],
  { inFlow = false, spaced = false } = {},
): Edit[] {
  const map = parent.value;
  const last = isMap<Node, Node | null>(map) ? map.items.at(-1) : undefined;
  if (isMap<Node, Node | null>(map) && last) {
    const at = endOf(last);
    if (map.flow) return [{ from: at, to: at, text: `, ${flowText({ entries }).slice(2, -2)}` }];
    return [insertLines(text, at, blockLines(entries, indentOf(text, map), spaced), spaced)];
  }
  // Nothing in it yet: `{}`, `null`, `~` or no value at all, all of which make way.
  const [keyStart, keyEnd] = parent.key.range ?? [0, 0];
  const colon = text.indexOf(':', keyEnd) + 1;
  // Of a value that is not written the parser puts the place behind a comment.
  const unwritten = isScalar(map) && map.source === '';
  const end = unwritten ? colon : Math.max(colon, map?.range?.[1] ?? 0);
  const old = text.slice(colon, end);
  if (inFlow) return [{ from: colon, to: end, text: ` ${flowText({ entries })}` }];
  const lines = blockLines(entries, `${lineIndent(text, keyStart)}  `, spaced);
  const insert = insertLines(text, end, lines, false);
  return old === '' ? [insert] : [{ from: colon, to: end, text: '' }, insert];
}

/** Whole lines below the one that `at` is in, in the file's own line ends. */
export function insertLines(text: string, at: number, lines: readonly string[], gap: boolean): Edit {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const block = (gap ? ['', ...lines] : lines).join(eol);
  // The value of a block scalar ends behind its line end already.
  if (at > 0 && text[at - 1] === '\n') return { from: at, to: at, text: block + eol };
  const lineEnd = text.indexOf('\n', at);
  if (lineEnd === -1) return { from: text.length, to: text.length, text: eol + block + eol };
  return { from: lineEnd + 1, to: lineEnd + 1, text: block + eol };
}

/** Where the last character of a pair is, without the comments below it. */
function endOf(pair: ParsedPair): number {
  const value = pair.value;
  const lastItem = isMap<Node, Node | null>(value) && !value.flow ? value.items.at(-1) : undefined;
  if (lastItem) return endOf(lastItem);
  if (isSeq<Node>(value) && !value.flow) {
    const item = value.items.at(-1);
    if (isMap<Node, Node | null>(item) && !item.flow) {
      const inner = item.items.at(-1);
      if (inner) return endOf(inner);
    }
    return item?.range?.[1] ?? value.range?.[1] ?? 0;
  }
  return Math.max(value?.range?.[1] ?? 0, pair.key.range?.[1] ?? 0);
}

function indentOf(text: string, map: YAMLMap<Node, Node | null>): string {
  return lineIndent(text, map.items[0]?.key.range?.[0] ?? 0);
}

function lineIndent(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  return /^[ ]*/.exec(text.slice(start, at))?.[0] ?? '';
}

export function pairOf(map: Node | null | undefined, key: string): ParsedPair | undefined {
  if (!isMap<Node, Node | null>(map)) return undefined;
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}
