// One run of the command line: what its commands share, and the exit code that they leave.
import type { ApiClient, ApiOptions } from '../api-client.js';
import type { Machine } from '../modules.js';
import type { Terminal } from '../printing/terminal.js';

export interface Session {
  readonly terminal: Terminal;
  readonly machine: Machine;
  /** The run directory that the command line names, as an absolute path. */
  runDir(): string;
  /** A client of that directory's daemon; loads HTTP, connects to nothing yet. */
  api(options?: ApiOptions): Promise<ApiClient>;
  /** For a command that ends with something else than "done" and has said why. */
  exitWith(code: number): void;
}
