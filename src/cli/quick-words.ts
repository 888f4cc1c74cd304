// Command lines that need no parser: `show` as it is asked for every second. All others, and all that may be wrong, are for the whole program.
import type { TextView } from './api-client.js';

/** What of `bondwire show` was asked for. */
export interface ShowWords {
  readonly runDir: string | undefined;
  readonly bond: string | undefined;
  readonly options: ShowOptions;
}

export type ShowOptions = { readonly json?: boolean } & { readonly [View in TextView]?: boolean };

const FORMS: ReadonlySet<string> = new Set(['--json', '--proc', '--info', '--ifconfig', '--sysfs']);

/** The words as those of a right `show`; undefined for all others. */
export function showWords(words: readonly string[]): ShowWords | undefined {
  let runDir: string | undefined;
  const forms: string[] = [];
  const others: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--run-dir') {
      const value = words[at + 1];
      if (runDir !== undefined || value === undefined || value.startsWith('-')) return undefined;
      runDir = value;
      at += 1;
    } else if (FORMS.has(word)) forms.push(word.slice(2));
    else if (word.startsWith('-')) return undefined;
    else others.push(word);
  }
  const [command, bond, ...more] = others;
  if (command !== 'show' || more.length > 0 || forms.length > 1) return undefined;
  return { runDir, bond, options: Object.fromEntries(forms.map(form => [form, true])) };
}
