// Files that are no configuration yet, but templates of which another program makes one: names in them are no names. (config)
import { shown } from '../base/index.js';
import type { Finding, SourceFile } from './facts.js';

interface Mark {
  readonly pattern: RegExp;
  /** What such a template is called, and what is to be imported instead. */
  readonly sentence: string;
}

const MADE = 'import what is made of it, as it lies on the machine';

const MARKS: readonly Mark[] = [
  { pattern: /\{%-?\s*\w+/, sentence: `This is a template (Jinja): ${MADE}.` },
  { pattern: /\{\{-?\s*[.$]/, sentence: `This is a template (of Go, as Helm has them): ${MADE}.` },
  { pattern: /\{\{/, sentence: `This is a template (Jinja, as Ansible and Salt have it): ${MADE}.` },
  {
    pattern: /^\s*%\s*(?:for|if|elif|else|endfor|endif|while)\b|^\s*##? ?template: ?mako/,
    sentence: 'This is a template (Mako, as ifupdown2 has it): import what "ifquery -a" prints.',
  },
  { pattern: /<%[-=#%]?\s*\S/, sentence: `This is a template (ERB or Mako): ${MADE}.` },
  {
    pattern: /@@?[A-Z][A-Z0-9_]{2,}@@?/,
    sentence: `This is a template with names between @ in it: ${MADE}.`,
  },
];

/** Names of a shell in formats that no shell reads: somebody else is to fill them in. */
const VARIABLE: Mark = {
  pattern: /\$\{[A-Za-z_][^}\n]*\}|(?:=|:|\s)\$[A-Za-z_]\w*/,
  sentence: `This is a template whose variables another program fills in: ${MADE}.`,
};

/** Lines that a shell gets, which has variables. */
const OF_A_SHELL = /^\s*(?:(?:pre-|post-)?(?:up|down)|script|install|remove|pre-install|post-install)\s/;

/** An error at the first mark of a template; null of a file that is none. `hasVariables`: a shell reads the format. */
export function templateIn({ path, text }: SourceFile, hasVariables: boolean): Finding | null {
  // What is about something else is nobody's business here.
  if (!/bond|slave|team/i.test(text)) return null;
  for (const [at, line] of text.split('\n').entries()) {
    const isComment = /^\s*#(?!#? ?template:)/.test(line);
    const isCommand = OF_A_SHELL.test(line);
    const marks = hasVariables || isCommand ? MARKS : [...MARKS, VARIABLE];
    // {{ in a command is the shell's own, or that of the program that it calls.
    const mark = isComment || isCommand ? undefined : marks.find(({ pattern }) => pattern.test(line));
    if (mark === undefined) continue;
    const message = `${mark.sentence.replace(/\.$/, '')}; nothing of it was taken ("${shown(line.trim(), 40)}").`;
    return { level: 'error', place: { file: path, line: at + 1 }, message };
  }
  return null;
}
