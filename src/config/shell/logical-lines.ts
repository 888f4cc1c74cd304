// Lines of classic configuration files: a backslash at the end continues a line, comments and empty lines are left out. (config)

/** A line put together from one or more of the file. */
export interface LogicalLine {
  readonly text: string;
  /** Of its beginning, from 1. */
  readonly line: number;
}

/**
 * The lines that say something. A comment begins with one of `marks`, after white space. A backslash continues it too, as in
 * modprobe, or does not, as in ifupdown.
 */
export function logicalLines(text: string, marks = '#', continuesComments = true): LogicalLine[] {
  const lines: LogicalLine[] = [];
  const physical = text.replaceAll('\r\n', '\n').split('\n');
  for (let at = 0; at < physical.length; at++) {
    const line = at + 1;
    let whole = physical[at] ?? '';
    const goesOn = continuesComments || !marks.includes(whole.trim().charAt(0) || ' ');
    const last = goesOn ? physical.length - 1 : at;
    while (whole.endsWith('\\') && at < last) {
      at += 1;
      whole = `${whole.slice(0, -1)} ${(physical[at] ?? '').trimStart()}`;
    }
    if (whole.endsWith('\\')) whole = whole.slice(0, -1);
    const trimmed = whole.trim();
    if (trimmed !== '' && !marks.includes(trimmed.charAt(0))) lines.push({ text: trimmed, line });
  }
  return lines;
}

/** Words between white space; quotes hold words together and are taken off. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (const char of text) {
    if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** A command without the comment behind it: from a # on that begins a word, outside of quotes. */
export function withoutShellComment(text: string): string {
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '#' && (at === 0 || /[\s;&|]/.test(text.charAt(at - 1))))
      return text.slice(0, at).trimEnd();
  }
  return text;
}

/** The commands of a line of a shell: what stands between `;`, `|`, `&`, `&&` and `||` outside of quotes. */
export function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let command = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    // `2>&1` and `&>` are redirections.
    const redirects = char === '&' && (text.charAt(at - 1) === '>' || text.charAt(at + 1) === '>');
    if (quote === '' && /[;|&\n]/.test(char) && !redirects) {
      commands.push(command);
      command = '';
      continue;
    }
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    command += char;
  }
  return [...commands, command].map(each => each.replaceAll(/^\s*[{(]\s|\s[})]\s*$/g, '').trim());
}

/** Words without redirections: `>/dev/null 2>&1`. */
export function withoutRedirections(words: readonly string[]): string[] {
  return words.filter((word, at) => {
    const before = words[at - 1] ?? '';
    return !/^\d*(?:[<>]|&>)/.test(word) && !/^\d*(?:>>?|<|&>>?)$/.test(before);
  });
}

/** `name=value` as its two parts; null when there is no `=` or no name before it. */
export function assignment(word: string): { readonly name: string; readonly value: string } | null {
  const at = word.indexOf('=');
  return at < 1 ? null : { name: word.slice(0, at), value: word.slice(at + 1) };
}
