// What every command that changes something does with the answer: warnings go to standard error.
import type { Changed } from '../../daemon/api/api.js';
import { plain } from './plain.js';
import type { Terminal } from './terminal.js';

/** Shows the sentences that the user must see. */
export function tellWarnings(terminal: Terminal, changed: Changed): void {
  for (const warning of changed.warnings) terminal.err(`bondwire: warning: ${plain(warning)}\n`);
}
