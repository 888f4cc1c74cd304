// Reads the table of docs/differences.md that lists what the option comparison may find: rows with an id, the options, the
// values as a regular expression, what differs, and the reason.

/** One row. `seen` counts how often it was needed. */
export interface ListedDifference {
  readonly id: string;
  seen: number;
  matches(option: string, value: string, what: string): boolean;
}

/** The rows `| O01 | option, option | ^value$ | answer, values | reason |`; `*` stands for all. */
export function readListed(page: string): ListedDifference[] {
  const rows = page.matchAll(/^\| (O\d+) \| ([^|]+) \| `(.+?)` \| ([^|]+) \| [^|]+ \|$/gm);
  return Array.from(rows, ([, id = '', options = '', value = '', aspects = '']) => {
    const pattern = new RegExp(value.replaceAll('\\|', '|'), 's');
    const isIn = (list: string, name: string): boolean =>
      list
        .split(',')
        .map(each => each.trim())
        .some(each => each === '*' || each === name);
    return {
      id,
      seen: 0,
      matches: (option, text, what) => isIn(options, option) && isIn(aspects, what) && pattern.test(text),
    };
  });
}
