// Runs the command lines that need no parser, which takes longer to load than all else: those that look, asked for every second.
import { EXIT } from '../daemon/api/api.js';
import { printEvents } from './commands/print-events.js';
import { showBonds } from './commands/show-bonds.js';
import type { Terminal } from './printing/terminal.js';
import { askingDaemon } from './process/session.js';
import type { QuickWords } from './quick-words.js';
import { endWith } from './reading/ending.js';

/** Runs the command that `words` were found to be, and returns its exit code. */
export async function runQuickly(
  asked: QuickWords,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const asking = askingDaemon(terminal, () => asked.runDir);
  try {
    if (asked.command === 'show') await showBonds(asking, asked.bond, asked.options);
    else await printEvents(asking, asked.options);
    return EXIT.done;
  } catch (error) {
    return await endWith(error, words, asking);
  }
}
