// Runs one command line to its exit code.
import { EXIT } from '../daemon/api/api.js';
import type { Machine } from './modules.js';
import type { Terminal } from './printing/terminal.js';
import { askingDaemon, type Session } from './process/session.js';
import { quickWords } from './quick-words.js';
import { endWith } from './reading/ending.js';

/** Runs the command of `words` (without node and script) and returns its exit code. */
export async function runCli(
  words: readonly string[],
  terminal: Terminal,
  machine: Machine,
): Promise<number> {
  const asked = quickWords(words);
  if (asked !== undefined) {
    const { runQuickly } = await import('./run-quickly.js');
    return await runQuickly(asked, words, terminal);
  }
  let code: number = EXIT.done;
  let named: (() => string | undefined) | undefined;
  const session: Session = {
    ...askingDaemon(terminal, () => named?.()),
    machine,
    exitWith: chosen => {
      code = chosen;
    },
  };
  try {
    const { parseAndRun } = await import('./program.js');
    const isDone = await parseAndRun(words, session, chosen => {
      named = chosen;
    });
    return isDone ? code : EXIT.done;
  } catch (error) {
    return await endWith(error, words, session);
  }
}
