// One run of the command line: what its commands share, and the exit code that they leave.
import type { ApiClient, ApiOptions } from '../api-client.js';
import type { Machine } from '../modules.js';
import type { Terminal } from '../printing/terminal.js';
import { resolveRunDir } from '../run-dir.js';

/** What a command that only asks the daemon needs. */
export interface Asking {
  readonly terminal: Terminal;
  /** The run directory that the command line names, as an absolute path. */
  runDir(): string;
  /** A client of that directory's daemon; loads HTTP, connects to nothing yet. */
  api(options?: ApiOptions): Promise<ApiClient>;
}

export interface Session extends Asking {
  readonly machine: Machine;
  /** For a command that ends with something else than "done" and has said why. */
  exitWith(code: number): void;
}

/** Asks the daemon of the run directory that `named` gives, as the command line has it. */
export function askingDaemon(terminal: Terminal, named: () => string | undefined): Asking {
  const runDir = (): string => resolveRunDir(named(), terminal.env);
  return {
    terminal,
    runDir,
    api: async options => {
      const where = runDir();
      const { apiClient } = await import('../api-client.js');
      return apiClient(where, options);
    },
  };
}
