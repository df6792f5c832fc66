import { cells } from './cells.ts';

/**
 * A text as lines of at most `width` terminal cells, broken at spaces and, where a word is longer than a line, within
 * it; Chinese breaks anywhere. Every line but the first begins with the indent.
 */
export function wrap(text: string, width: number, indent = ''): string[] {
  const room = Math.max(1, width - cells(indent));
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=[^\u0020-\u007e])|(?= )/u)) {
    if (cells(line + word) <= room) {
      line += word;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const character of lines.length === 0 ? word : word.replace(/^ /, '')) {
      if (cells(line + character) > room) {
        lines.push(line);
        line = '';
      }
      line += character;
    }
  }
  lines.push(line);
  return lines.map((each, index) => (index === 0 ? each : indent + each));
}
