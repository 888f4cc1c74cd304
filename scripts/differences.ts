// Reads the table of docs/differences.md that lists what the comparison of arms may find: rows with an id, the arm, the
// scenarios, what differs, and the reason.

/** One row. `seen` counts how often it was needed. */
export interface Difference {
  readonly id: string;
  readonly where: RegExp;
  seen: number;
  matches(where: string, scenario: string, problem: string): boolean;
}

/** `*` stands for anything. */
function pattern(text: string): RegExp {
  const parts = text.split(/, */).map(part =>
    part
      .split('*')
      .map(literal => literal.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.*'),
  );
  return new RegExp(`^(?:${parts.join('|')})`);
}

/** The rows `| D01 | arm | scenarios | what | reason |` of the page. */
export function readDifferences(page: string): Difference[] {
  const rows = page.matchAll(/^\| `?(D\d+)`? \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm);
  return Array.from(rows, ([, id = '', arm = '', scenarios = '', what = '']) => {
    const [where, names, found] = [pattern(arm.trim()), pattern(scenarios.trim()), pattern(what.trim())];
    return {
      id,
      where,
      seen: 0,
      matches: (at, scenario, problem) => where.test(at) && names.test(scenario) && found.test(problem),
    };
  });
}
