// The texts of TypeScript sources: string and template literals, and where they stand. Comments are passed over.

export interface SourceText {
  /** As the program has it; what a template fills in is a zero character. */
  readonly text: string;
  readonly line: number;
  /** What stands before it in the source, blanks let fall: `advice(`, `const HELP =`. */
  readonly before: string;
}

/** After these a slash begins a regular expression, elsewhere it divides. */
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};+>]|=>|\breturn)\s*$/;

/** All texts of a source, those inside the holes of templates too. */
export function sourceTexts(source: string): SourceText[] {
  const found: SourceText[] = [];
  let at = 0;
  const lineOf = (index: number): number => source.slice(0, index).split('\n').length;
  const before = (index: number): string => source.slice(Math.max(0, index - 80), index).trimEnd();

  function quoted(quote: string): void {
    const start = at++;
    let text = '';
    while (at < source.length && source[at] !== quote) text += letter();
    at++;
    found.push({ text, line: lineOf(start), before: before(start) });
  }

  function letter(): string {
    if (source[at] !== '\\') return source[at++] ?? '';
    at += 2;
    const escaped = source[at - 1] ?? '';
    return escaped === 'n' ? '\n' : escaped;
  }

  function template(): void {
    const start = at++;
    let text = '';
    while (at < source.length && source[at] !== '`') {
      if (source.startsWith('${', at)) {
        at += 2;
        text += '\u0000';
        code('}');
        at++;
      } else text += letter();
    }
    at++;
    found.push({ text, line: lineOf(start), before: before(start) });
  }

  function regexp(): void {
    let isClass = false;
    for (at++; at < source.length && (isClass || source[at] !== '/'); at++) {
      if (source[at] === '\\') at++;
      else if (source[at] === '[') isClass = true;
      else if (source[at] === ']') isClass = false;
    }
    at++;
  }

  /** Up to the closing bracket that is given, or to the end. */
  function code(end: string | undefined): void {
    let depth = 0;
    while (at < source.length) {
      const char = source[at] ?? '';
      if (source.startsWith('//', at)) at = Math.max(at, source.indexOf('\n', at));
      else if (source.startsWith('/*', at)) at = source.indexOf('*/', at) + 2;
      else if (char === "'" || char === '"') quoted(char);
      else if (char === '`') template();
      else if (char === '/' && BEFORE_REGEXP.test(source.slice(Math.max(0, at - 30), at))) regexp();
      else {
        if (char === end && depth === 0) return;
        if (char === '{') depth++;
        if (char === '}') depth--;
        at++;
      }
    }
  }

  code(undefined);
  return found;
}
