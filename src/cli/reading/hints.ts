// Adds to a refusal what only this side knows: the words that were typed, and the run directory that was named. What it offers is the
// command line that was meant.
import { COMMAND_NAMES } from './command-names.js';
import type { Failure } from './failure.js';
import { advice, plain } from '../printing/plain.js';
import type { Asking } from '../process/session.js';

/** What the daemon answered, as `refusedFailure` keeps it. */
function codeOf(failure: Failure): string | undefined {
  const { cause } = failure;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : undefined;
}

/** Where the command stands: behind `--run-dir DIR`. */
function commandAt(words: readonly string[]): number {
  return words.findIndex((word, at) => COMMAND_NAMES.includes(word) && words[at - 1] !== '--run-dir');
}

function line(words: readonly string[]): string {
  return plain(advice('bondwire {words}', { words }));
}

/** The sentence to print for a failure of this command line. */
export async function hinted(failure: Failure, words: readonly string[], asking: Asking): Promise<string> {
  const at = commandAt(words);
  if (at < 0) return failure.message;
  const own = asTyped(failure.message, words, at);
  const hint = await hintFor(codeOf(failure), words, at, asking);
  const text =
    hint === undefined ? own : `${own.replace(/ Did you mean [^?]*\?$/, '')} Did you mean '${hint}'?`;
  return words.includes('--run-dir') && codeOf(failure) !== undefined
    ? withRunDir(text, plain(asking.runDir()))
    : text;
}

/** The flags that the daemon asks for, in the command line that was typed: it names all interfaces, and may be `run`. */
function asTyped(message: string, words: readonly string[], at: number): string {
  if (!['enslave', 'run'].includes(words[at] ?? '')) return message;
  return message.replace(/'bondwire enslave (--take[^']*)'/, (_all, offered: string) => {
    const flags = offered.split(' ').filter(word => word.startsWith('--') && !words.includes(word));
    return `'${line([...words.slice(0, at + 1), ...flags, ...words.slice(at + 1)])}'`;
  });
}

/** Commands that are offered are for the daemon that was asked. */
function withRunDir(message: string, runDir: string): string {
  const names = COMMAND_NAMES.filter(name => !['demo', 'import', 'check', 'simulate', 'help'].includes(name));
  const pattern = new RegExp(`(['(&|;] ?)bondwire (?=(?:${names.join('|')})\\b(?![^']*--run-dir))`, 'g');
  return message.replaceAll(pattern, (_all, before: string) => {
    return `${before}${advice('bondwire --run-dir {runDir}', { runDir })} `;
  });
}

/** The command line that was probably meant, where words were swapped or not parted. */
async function hintFor(
  code: string | undefined,
  words: readonly string[],
  at: number,
  session: Asking,
): Promise<string | undefined> {
  const command = words[at] ?? '';
  if (!['enslave', 'release', 'set', 'destroy', 'show', 'run', 'create'].includes(command)) return undefined;
  const parted = words.flatMap((word, nth) =>
    nth > at + 1 && !word.includes('=') && !word.startsWith('-') ? word.split(',').filter(Boolean) : [word],
  );
  if (code === 'unknown-interface' && parted.length > words.length) return line(parted);
  if (code !== 'unknown-bond') return undefined;
  const names = await bondNames(session);
  const first = words.findIndex((word, nth) => nth > at && !word.startsWith('-'));
  const other = words.findIndex((word, nth) => nth > first && names.includes(word));
  if (first < 0 || other < 0) return undefined;
  const swapped = [...words];
  [swapped[first], swapped[other]] = [words[other] ?? '', words[first] ?? ''];
  return line(swapped);
}

async function bondNames(asking: Asking): Promise<readonly string[]> {
  try {
    const api = await asking.api();
    return (await api.show()).bonds.map(({ name }) => name);
  } catch {
    return [];
  }
}
