// Which run directory a command talks about: --run-dir, else BONDWIRE_RUN_DIR, else the default.
import { Buffer } from 'node:buffer';
import { resolve } from 'node:path';
import { controlSocketPath, DEFAULT_RUN_DIR } from '../daemon/api/api.js';
import { usageFailure } from './reading/failure.js';
import { plain } from './printing/plain.js';

/** sizeof(sun_path) less its closing NUL. */
const LONGEST_SOCKET_PATH = 107;

/** The run directory as an absolute path. */
export function resolveRunDir(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (option === '') throw usageFailure('--run-dir is empty; name a directory.');
  const runDir = resolve(option ?? (env['BONDWIRE_RUN_DIR'] || DEFAULT_RUN_DIR));
  const bytes = Buffer.byteLength(controlSocketPath(runDir));
  if (bytes > LONGEST_SOCKET_PATH) {
    throw usageFailure(
      `The run directory ${plain(runDir)} is too long: the path of its socket has ${bytes} bytes where Linux takes ${LONGEST_SOCKET_PATH}; choose a shorter one.`,
    );
  }
  return runDir;
}
