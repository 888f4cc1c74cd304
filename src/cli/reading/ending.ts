// How a command line ends: whatever was thrown becomes one sentence and an exit code.
import { EXIT } from '../../daemon/api/api.js';
import { plain } from '../printing/plain.js';
import type { Asking } from '../process/session.js';
import { Failure, openFilesFailure } from './failure.js';

/** Says on standard error why the command of `words` failed, and returns its exit code. */
export async function endWith(error: unknown, words: readonly string[], asking: Asking): Promise<number> {
  const { terminal } = asking;
  const failure = error instanceof Failure ? error : openFilesFailure(error);
  if (failure !== undefined) {
    const { hinted } = await import('./hints.js');
    terminal.err(`bondwire: ${await hinted(failure, words, asking)}\n`);
    return failure.exitCode;
  }
  const text = error instanceof Error ? error.message : String(error);
  terminal.err(`bondwire: internal error: ${plain(text)} (BONDWIRE_DEBUG=1 shows where).\n`);
  if ((terminal.env['BONDWIRE_DEBUG'] ?? '') !== '' && error instanceof Error) {
    terminal.err(`${error.stack ?? ''}\n`);
  }
  return EXIT.refused;
}
