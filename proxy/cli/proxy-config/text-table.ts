// Tables of plain text: columns as wide as their widest cell, for eyes and for `awk`.
import { printable } from '../certificate-text.ts';

/** Titles and the cells below them. */
export interface TextTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Between columns. */
const GAP = '     ';

/** Ends with a line break; nothing of it steers a terminal. */
export function tableText({ titles, rows }: TextTable): string {
  const lines = [titles, ...rows].map((cells) => cells.map(printable));
  const widths = titles.map((_, index) =>
    lines.reduce((most, cells) => Math.max(most, (cells[index] ?? '').length), 0),
  );
  const texts = lines.map((cells) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  return `${texts.join('\n')}\n`;
}

/** For sorting: numbers by value before everything else, texts by their characters. */
export function compareNames(left: string, right: string): number {
  const isLeftNumber = /^\d+$/.test(left);
  const isRightNumber = /^\d+$/.test(right);
  if (isLeftNumber && isRightNumber) return Number(left) - Number(right);
  if (isLeftNumber !== isRightNumber) return isLeftNumber ? -1 : 1;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
