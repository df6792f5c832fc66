import { cells } from './cells.ts';

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
