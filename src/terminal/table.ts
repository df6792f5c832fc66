import { stripVTControlCharacters } from 'node:util';

/**
 * Rows as aligned columns, two spaces between them. A column is as wide as its widest cell; the last is not
 * padded. Widths are terminal cells: Chinese characters take two, colour codes none.
 */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cells(cell));
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - cells(cell)),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** East Asian wide and full-width ranges of Unicode's UAX 11, as far as names and messages use them. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** Terminal cells that a text takes. */
export function cells(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += WIDE.test(character) ? 2 : 1;
  return width;
}
