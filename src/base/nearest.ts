// The known name that somebody probably meant, for error messages: by habit, by another spelling, or by a slip of the finger.

/** Number of single-letter edits between two words, a swap of neighbours being one (Damerau, restricted). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : replace;
      next.push(Math.min(replace, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known name that looks most like `name`, or undefined when none is near enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    if (best === undefined || edits < best.edits) best = { name: candidate, edits };
  }
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.name : undefined;
}

/** Without what people write in many ways: case, and the signs between words. */
function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[\s_.:-]+/g, '');
}

/** The known word that is meant: by a habit (other word → known word), in another spelling, or the nearest. */
export function meantWord(
  word: string,
  known: readonly string[],
  habits: Readonly<Record<string, string>> = {},
): string | undefined {
  const plain = bare(word);
  if (plain === '') return undefined;
  const habit = Object.keys(habits).find(each => bare(each) === plain);
  return (
    (habit === undefined ? undefined : habits[habit]) ??
    known.find(each => bare(each) === plain) ??
    nearestName(word, known)
  );
}
