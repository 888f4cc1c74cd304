// Command lines that need no parser: `show` and `events`, as they are asked for every second. All others, and all that may be wrong, are for the
// whole program.
import type { TextView } from './api-client.js';

export type ShowOptions = { readonly json?: boolean } & { readonly [View in TextView]?: boolean };

export interface EventsOptions {
  readonly follow?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly bond?: string | undefined;
}

/** What was asked for, and of which run directory. */
export type QuickWords = { readonly runDir: string | undefined } & (
  | { readonly command: 'show'; readonly bond: string | undefined; readonly options: ShowOptions }
  | { readonly command: 'events'; readonly options: EventsOptions }
);

/** What each command takes besides --run-dir: flags, and the most names. */
const FORMS: ReadonlySet<string> = new Set(['--json', '--proc', '--info', '--ifconfig', '--sysfs']);
const EVENT_FLAGS: ReadonlySet<string> = new Set(['--json', '--follow', '-f']);

interface Sorted {
  readonly flags: readonly string[];
  readonly values: ReadonlyMap<string, string>;
  readonly names: readonly string[];
}

/** The words by their kind, wherever they stand; undefined where a value is missing or given twice. */
function sortWords(words: readonly string[]): Sorted | undefined {
  const flags: string[] = [];
  const values = new Map<string, string>();
  const names: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--run-dir' || word === '--bond') {
      at += 1;
      const value = words[at];
      if (values.has(word) || value === undefined || value.startsWith('-')) return undefined;
      values.set(word, value);
    } else if (word.startsWith('-')) flags.push(word);
    else names.push(word);
  }
  return { flags, values, names };
}

/** The words as those of a right `show` or `events`; undefined for all others. */
export function quickWords(words: readonly string[]): QuickWords | undefined {
  const sorted = sortWords(words);
  if (sorted === undefined) return undefined;
  const [command, name, ...more] = sorted.names;
  const { flags, values } = sorted;
  const runDir = values.get('--run-dir');
  const bond = values.get('--bond');
  if (command === 'show' && more.length === 0 && bond === undefined) {
    const [form, ...others] = flags;
    if (others.length > 0 || (form !== undefined && !FORMS.has(form))) return undefined;
    return { command, runDir, bond: name, options: form === undefined ? {} : { [form.slice(2)]: true } };
  }
  if (command === 'events' && name === undefined && flags.every(flag => EVENT_FLAGS.has(flag))) {
    const has = (...spellings: string[]): boolean => flags.some(flag => spellings.includes(flag));
    return { command, runDir, options: { bond, json: has('--json'), follow: has('--follow', '-f') } };
  }
  return undefined;
}
