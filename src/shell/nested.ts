import type { HereDoc, Word } from 'unbash';

/** A shell text inside another one: what `bash -c` is given, or a here-document into a shell. */
export interface Nested {
  readonly text: string;
  /** Offset in the outer text of each of its characters, or one number where they stand in a row. */
  readonly offsets: number | readonly number[];
  /** Whether the outer shell expands what is in it: double quotes, or a here-document whose end is not quoted. */
  readonly expanded: boolean;
}

/** The text of a word that is one quoted string, or undefined when it is anything else. */
export function nestedInWord(word: Word, source: string): Nested | undefined {
  const [part, ...more] = word.parts ?? [];
  if (!part || more.length > 0) return undefined;
  const inner = source.slice(part.pos + 1, part.end - 1);
  if (part.type === 'SingleQuoted') return { text: inner, offsets: part.pos + 1, expanded: false };
  if (part.type === 'DoubleQuoted') return unescaped(inner, part.pos + 1);
  return undefined;
}

export function nestedInHereDoc({ body, delimiter }: HereDoc, source: string): Nested {
  const text = source.slice(body.pos, body.end);
  return delimiter?.quoted ? { text, offsets: body.pos, expanded: false } : unescaped(text, body.pos);
}

export function outerOffset({ offsets }: Nested, at: number): number {
  return typeof offsets === 'number' ? offsets + at : (offsets[at] ?? offsets.at(-1) ?? 0);
}

/** What the inner shell is given: a backslash before one of these is gone, and so is a line that goes on. */
function unescaped(inner: string, start: number): Nested {
  let text = '';
  const offsets: number[] = [];
  for (let index = 0; index < inner.length; index++) {
    if (inner[index] === '\\' && /["$`\\\n]/.test(inner[index + 1] ?? '')) {
      index += 1;
      if (inner[index] === '\n') continue;
    }
    text += inner[index];
    offsets.push(start + index);
  }
  offsets.push(start + inner.length);
  return { text, offsets, expanded: true };
}
