// A system call that fails where nobody waits for it (in a timer, at news of the kernel) ends no daemon: bonds would be without one
// because no descriptor was free for a moment. It is written down. What is no system call's failure is a mistake of ours, and ends it.
import type { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { isSystemFailure } from '../../base/index.js';

/** The same failure is written down once in so long. */
const AGAIN_MS = 10_000;

/** From here on, until what this gives is called. */
export function surviveFailures(
  log: Pick<Logger, 'error'>,
  loop: Pick<EventEmitter, 'on' | 'off'> = process,
): () => void {
  /** When each was written down. */
  const told = new Map<string, number>();
  const failed = (error: unknown): void => {
    if (!isSystemFailure(error)) throw error;
    const now = performance.now();
    for (const [message, atMs] of told) if (now - atMs >= AGAIN_MS) told.delete(message);
    if (told.has(error.message)) return;
    told.set(error.message, now);
    log.error({ err: error }, 'what was due could not be done');
  };
  loop.on('uncaughtException', failed);
  return () => void loop.off('uncaughtException', failed);
}

/** What it throws is thrown from the event loop, as of a timer of its own: it keeps nobody else's from running. */
export function runAlone(run: () => void): void {
  try {
    run();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
