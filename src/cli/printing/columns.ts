// Text in aligned columns, two spaces apart; colours are put on after the widths are known.
import type { Meaning, Paint } from './paint.js';

export interface Cell {
  readonly text: string;
  readonly meaning?: Meaning | undefined;
}

export type Alignment = 'left' | 'right';

/** Lines without trailing blanks, each column as wide as its widest cell. */
export function columns(
  rows: readonly (readonly Cell[])[],
  alignments: readonly Alignment[],
  paint: Paint,
): string[] {
  const widths = alignments.map((_, at) => Math.max(...rows.map(row => width(row[at]?.text ?? ''))));
  return rows.map(row => {
    let line = '';
    let owed = '';
    for (const [at, { text, meaning }] of row.entries()) {
      const blanks = ' '.repeat((widths[at] ?? 0) - width(text));
      const right = alignments[at] === 'right';
      if (right) owed += blanks;
      // Blanks are written only once something follows them.
      if (text !== '') {
        line += owed + paint(text, meaning);
        owed = '';
      }
      owed += right ? '  ' : `${blanks}  `;
    }
    return line;
  });
}

/** Code points: names beyond ASCII are rare, wide ones more so. */
function width(text: string): number {
  return Array.from(text).length;
}
