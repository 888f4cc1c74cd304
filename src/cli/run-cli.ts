// Runs one command line to its exit code; everything that can be thrown ends here as a sentence.
import { EXIT } from '../daemon/api/api.js';
import type { Machine } from './modules.js';
import { plain } from './printing/plain.js';
import type { Terminal } from './printing/terminal.js';
import type { Session } from './process/session.js';
import { showWords } from './quick-words.js';
import { Failure, openFilesFailure } from './reading/failure.js';
import { resolveRunDir } from './run-dir.js';

/** Runs the command of `words` (without node and script) and returns its exit code. */
export async function runCli(
  words: readonly string[],
  terminal: Terminal,
  machine: Machine,
): Promise<number> {
  let code: number = EXIT.done;
  let named: (() => string | undefined) | undefined;
  const session: Session = {
    terminal,
    machine,
    runDir: () => resolveRunDir(named?.(), terminal.env),
    api: async options => {
      const where = session.runDir();
      const { apiClient } = await import('./api-client.js');
      return apiClient(where, options);
    },
    exitWith: chosen => {
      code = chosen;
    },
  };
  try {
    const asked = showWords(words);
    if (asked === undefined) {
      const { parseAndRun } = await import('./program.js');
      const isDone = await parseAndRun(words, session, chosen => {
        named = chosen;
      });
      return isDone ? code : EXIT.done;
    }
    // Without the parser, which takes longer to load than all else.
    named = () => asked.runDir;
    const { showBonds } = await import('./commands/show-bonds.js');
    await showBonds(session, asked.bond, asked.options);
    return code;
  } catch (error) {
    const failure = error instanceof Failure ? error : openFilesFailure(error);
    if (failure !== undefined) {
      const { hinted } = await import('./reading/hints.js');
      terminal.err(`bondwire: ${await hinted(failure, words, session)}\n`);
      return failure.exitCode;
    }
    const text = error instanceof Error ? error.message : String(error);
    terminal.err(`bondwire: internal error: ${plain(text)} (BONDWIRE_DEBUG=1 shows where).\n`);
    if ((terminal.env['BONDWIRE_DEBUG'] ?? '') !== '' && error instanceof Error) {
      terminal.err(`${error.stack ?? ''}\n`);
    }
    return EXIT.refused;
  }
}
