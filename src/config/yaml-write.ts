import { stringify } from 'yaml';
import { printable } from '../terminal/terminal.ts';
import type { Entry, Scalar, Value } from './findings.ts';

const COMMENT_WIDTH = 100;

/** Entries as lines of a block map, each with its comment above it. */
export function blockLines(entries: readonly Entry[], indent: string, spaced = false): string[] {
  return entries.flatMap((entry, index) => {
    const comment = entry.comment.flatMap((text) => wrapComment(text, indent));
    const gap = spaced && index > 0 ? [''] : [];
    const { value } = entry;
    const key = `${indent}${scalarText(entry.key)}:`;
    if (!isMapValue(value) || value.entries.length === 0)
      return [...gap, ...comment, `${key} ${flowText(value)}`];
    return [
      ...gap,
      ...comment,
      key,
      ...blockLines(
        value.entries.filter(({ implied }) => !implied),
        `${indent}  `,
      ),
    ];
  });
}

/** A value on one line. */
export function flowText(value: Value): string {
  if (isMapValue(value)) {
    const entries = value.entries.filter(({ implied }) => !implied);
    const inner = entries.map((entry) => `${flowScalar(entry.key)}: ${flowText(entry.value)}`).join(', ');
    return inner === '' ? '{}' : `{ ${inner} }`;
  }
  return Array.isArray(value) ? `[${value.map(flowScalar).join(', ')}]` : scalarText(value as Scalar);
}

export function isMapValue(value: Value): value is { readonly entries: readonly Entry[] } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function scalarText(value: Scalar): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

/** Inside brackets a comma or a bracket would end a plain scalar. */
function flowScalar(value: Scalar): string {
  return typeof value === 'string' && /[,[\]{}:#]/.test(value) ? JSON.stringify(value) : scalarText(value);
}

function wrapComment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/\s+/)) {
    if (line !== '' && indent.length + 2 + line.length + 1 + word.length > COMMENT_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((words) => `${indent}# ${words}`);
}
