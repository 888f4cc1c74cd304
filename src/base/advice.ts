// Commands that messages offer. All of them are built here, so that a name can never become a second command, and so that a test
// finds the shape of every one in the sources and pastes it (test/advice).

type Holes<Shape extends string> = Shape extends `${string}{${infer Hole}}${infer Rest}`
  ? Hole | Holes<Rest>
  : never;

/** One word, or several that follow each other. */
type Words = string | number | readonly string[];

/** The word as a shell takes it for itself. Backslashes and no quotes: sentences have the command between quotes. */
function shellWord(word: string): string {
  return word === '' ? "''" : word.replaceAll(/[^\w@%+=:,./-]/gu, char => `\\${char}`);
}

/**
 * A command line to be pasted: `shape` with each `{hole}` filled by its words. What a person is to fill in is in capitals
 * (`ADDRESS`). Whoever adds a shape adds a case to test/advice, which pastes it where the message appears.
 */
export function advice<const Shape extends string>(
  shape: Shape,
  ...[words]: [Holes<Shape>] extends [never] ? [] : [Readonly<Record<Holes<Shape>, Words>>]
): string {
  const known: Readonly<Record<string, Words>> = words ?? {};
  const filled = shape.replaceAll(/\{(\w+)\}/g, (_hole, name: string) =>
    [known[name] ?? []].flat().map(String).map(shellWord).join(' '),
  );
  // Where a hole had no words. Spaces of words have backslashes between them.
  return filled.replaceAll(/ {2,}/g, ' ').trim();
}
