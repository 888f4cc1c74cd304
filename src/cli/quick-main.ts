// Entry of bin/bondwire for the commands that must be quick. `npm run build` makes one file of it and of all that it needs, dist/quick.cjs:
// Node takes longer to find and read each of forty modules than the command takes to run.
import { endProcess, processTerminal } from './printing/terminal.js';
import { quickWords } from './quick-words.js';
import { runQuickly } from './run-quickly.js';

/** Runs the command line of this process to its end, if it is one of those; false leaves all to main.ts. */
export function isRunQuickly(): boolean {
  const words = process.argv.slice(2);
  const asked = quickWords(words);
  if (asked === undefined) return false;
  void runQuickly(asked, words, processTerminal()).then(endProcess);
  return true;
}
