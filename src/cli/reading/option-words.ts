// OPTION=VALUE words of the command line; which options exist and what they mean is the daemon's to say.
import { usageFailure } from './failure.js';
import { plain } from '../printing/plain.js';

/** `name=value` words as a record. A value may be empty and may itself hold `=`. */
export function parseOptionWords(words: readonly string[]): Record<string, string> {
  const options = new Map<string, string>();
  for (const [at, word] of words.entries()) {
    const equals = word.indexOf('=');
    if (equals < 0) {
      const next = words[at + 1] ?? '=';
      // Names of options have no digits, but those of interfaces do.
      if (/^[a-z_]{4,}$/.test(word) && !next.includes('='))
        throw usageFailure(`"${plain(word)}" is not OPTION=VALUE; did you mean ${word}=${plain(next)}?`);
      throw usageFailure(`"${plain(word)}" is not OPTION=VALUE; write it as in miimon=100.`);
    }
    const name = word.slice(0, equals);
    if (!/^[A-Za-z0-9_]+$/.test(name)) {
      const meant = name.replace(/^bond[-_]/, '').replaceAll('-', '_');
      if (/^[a-z0-9_]+$/.test(meant))
        throw usageFailure(
          `"${plain(word)}" does not begin with the name of an option; did you mean ${meant}=?`,
        );
      const what =
        name === '' ? 'has no option name before the "="' : 'does not begin with the name of an option';
      throw usageFailure(`"${plain(word)}" ${what}; write it as in miimon=100.`);
    }
    if (options.has(name)) {
      throw usageFailure(
        `Option ${name} is given twice (${plain(options.get(name) ?? '')} and ${plain(word.slice(equals + 1))}); give it once.`,
      );
    }
    options.set(name, word.slice(equals + 1));
  }
  return Object.fromEntries(options);
}

/** Words of `run`, where interfaces and options may come in any order: a word with `=` is an option. */
export function splitWords(words: readonly string[]): { interfaces: string[]; options: string[] } {
  return {
    interfaces: words.filter(word => !word.includes('=')),
    options: words.filter(word => word.includes('=')),
  };
}
