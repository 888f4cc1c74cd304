// One daemon a run directory, also when several start at once.
import { connect } from 'node:net';
import { advice } from '../../base/index.js';
import { lockFile, monotonicMs } from '../../linux/index.js';
import { lockPath } from './places.js';

const LOCK_WAIT_MS = 5000;

/**
 * Holds the run directory for this daemon; what it gives lets go. One that is just ending is waited for. Throws when another one
 * holds it.
 */
export async function lockRunDir(runDir: string, socket: string | undefined): Promise<() => void> {
  const deadline = monotonicMs() + LOCK_WAIT_MS;
  for (;;) {
    const unlock = lockFile(lockPath(runDir));
    if (unlock !== undefined) return unlock;
    if (socket !== undefined) await refuseSecond(runDir, socket);
    if (monotonicMs() > deadline) {
      throw new Error(
        `Another daemon is starting or ending at ${runDir} and holds it; try again, or name another directory with --run-dir.`,
      );
    }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Throws when a daemon answers at the run directory; `socket` is its control socket. */
export async function refuseSecond(runDir: string, socket: string): Promise<void> {
  if (!(await isAnswered(socket))) return;
  throw new Error(
    `A daemon is running at ${runDir} already; '${advice('bondwire --run-dir {runDir} show', { runDir })}' talks to it.`,
  );
}

/** True when somebody answers on the socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
