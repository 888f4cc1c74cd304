// The part of shell that ifcfg files are written in: NAME=VALUE lines with quotes, backslashes, comments, continued lines, and
// variables that the file itself set. Anything that a shell would have to run is reported, not run. (config)

import { shown } from '../../base/index.js';

export interface Assignment {
  readonly name: string;
  readonly value: string;
  /** Of the name, from 1. */
  readonly line: number;
}

export interface ShellProblem {
  readonly line: number;
  readonly message: string;
}

export interface ShellFile {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly ShellProblem[];
}

/** Of one `$…` no more than this is repeated, so that a few lines cannot grow without end. */
const LONGEST_VALUE = 64 * 1024;

class Scanner {
  at = 0;
  line = 1;
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get char(): string {
    return this.text.charAt(this.at);
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  next(): string {
    const char = this.char;
    if (char === '\n') this.line += 1;
    this.at += 1;
    return char;
  }

  /** Up to and including the end of the line. */
  restOfLine(): string {
    let rest = '';
    while (!this.ended) {
      const char = this.next();
      if (char === '\n') break;
      rest += char;
    }
    return rest;
  }

  match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) for (let i = 0; i < found.length; i++) this.next();
    return found;
  }
}

/** Reads a file as a shell would that does nothing but set variables. */
export function shellAssignments(text: string): ShellFile {
  const scanner = new Scanner(text.replaceAll('\r\n', '\n'));
  const assignments: Assignment[] = [];
  const problems: ShellProblem[] = [];
  const variables = new Map<string, string>();
  while (!scanner.ended) {
    scanner.match(/(?:[ \t\n;]|\\\n)+/y);
    if (scanner.ended) break;
    if (scanner.char === '#') {
      scanner.restOfLine();
      continue;
    }
    scanner.match(/(?:export|declare -x|typeset -x)[ \t]+/y);
    const { line } = scanner;
    const name = scanner.match(/[A-Za-z_][A-Za-z0-9_]*(?==)/y);
    if (name === null) {
      const rest = scanner.restOfLine().trim();
      problems.push({
        line,
        message: `"${shown(rest, 60)}" is no NAME=VALUE, and nothing is run here; the line was left out.`,
      });
      continue;
    }
    scanner.next();
    const value = readValue(scanner, variables, message =>
      problems.push({ line, message: `${name}: ${message}` }),
    );
    variables.set(name, value);
    assignments.push({ name, value, line });
  }
  return { assignments, problems };
}

/** One word, up to white space, `;` or the end of the line outside quotes. */
function readValue(
  scanner: Scanner,
  variables: ReadonlyMap<string, string>,
  problem: (message: string) => void,
): string {
  let value = '';
  let quote = '';
  for (;;) {
    if (scanner.ended) {
      if (quote !== '') problem(`the quote ${quote} is not closed; the rest of the file was taken into it.`);
      return value;
    }
    if (quote === '' && /[ \t\n;]/.test(scanner.char)) return value;
    if (quote === '' && (scanner.char === '&' || scanner.char === '|' || scanner.char === '>')) {
      problem(
        `"${shown(scanner.restOfLine().trim(), 60)}" would have to be run, which is not done here; it was left out.`,
      );
      return value;
    }
    const char = scanner.next();
    if (quote === "'") {
      if (char === "'") quote = '';
      else value += char;
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === "'" || char === '"')) {
      quote = char;
    } else if (char === '\\') {
      value += escaped(scanner, quote);
    } else if (char === '$') {
      if (value.length < LONGEST_VALUE) value += expanded(scanner, variables, problem);
    } else if (char === '`') {
      scanner.match(/[^`]*`?/y);
      problem('a command in `…` would have to be run, which is not done here; it was left out.');
    } else {
      value += char;
    }
  }
}

/** What a backslash makes of the next character: nothing of a new line; within double quotes it is special to few. */
function escaped(scanner: Scanner, quote: string): string {
  if (scanner.ended) return '\\';
  const char = scanner.next();
  if (char === '\n') return '';
  return quote === '"' && !/[$`"\\]/.test(char) ? `\\${char}` : char;
}

function expanded(
  scanner: Scanner,
  variables: ReadonlyMap<string, string>,
  problem: (message: string) => void,
): string {
  if (scanner.match(/\((?:[^()]|\([^()]*\))*\)?/y) !== null) {
    problem('a command in $(…) would have to be run, which is not done here; it was left out.');
    return '';
  }
  const braced = scanner.match(/\{[^}\n]*\}?/y);
  const name = braced === null ? scanner.match(/[A-Za-z_][A-Za-z0-9_]*/y) : braced.replaceAll(/[{}]/g, '');
  if (name === null) return '$';
  const value = variables.get(name);
  if (value === undefined) problem(`the file does not set $${shown(name)}; it counts as empty.`);
  return value ?? '';
}
