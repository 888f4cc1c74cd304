// Runs one command line to its exit code; everything that can be thrown ends here as a sentence.
import { CommanderError } from 'commander';
import { EXIT } from '../daemon/api/api.js';
import { Failure, openFilesFailure } from './reading/failure.js';
import { hinted } from './reading/hints.js';
import type { Machine } from './modules.js';
import { plain } from './printing/plain.js';
import { buildProgram } from './program.js';
import { resolveRunDir } from './run-dir.js';
import type { Session } from './process/session.js';
import type { Terminal } from './printing/terminal.js';

/** Runs the command of `words` (without node and script) and returns its exit code. */
export async function runCli(
  words: readonly string[],
  terminal: Terminal,
  machine: Machine,
): Promise<number> {
  let code: number = EXIT.done;
  const session: Session = {
    terminal,
    machine,
    runDir: () => resolveRunDir(program.opts<{ runDir?: string }>().runDir, terminal.env),
    api: async options => {
      const runDir = session.runDir();
      const { apiClient } = await import('./api-client.js');
      return apiClient(runDir, options);
    },
    exitWith: chosen => {
      code = chosen;
    },
  };
  const program = buildProgram(session);
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const failure = error instanceof Failure ? error : openFilesFailure(error);
    if (failure !== undefined) {
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
