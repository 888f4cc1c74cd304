// How a keeper goes on where a step fails: what is done to the world may always fail, and that must not stop the bond.
import { isErrno } from '../base/index.js';
import type { Book } from './ports.js';

/** True where an interface vanished while it was being handled: the kernel's news of it come next. */
export function isGone(error: unknown): boolean {
  return isErrno(error, 'ENODEV', 'ENXIO');
}

/** Does it; a failure is written down, unless it says no more than that an interface is gone. */
export function guarded(book: Pick<Book, 'failed'>, action: () => void): void {
  try {
    action();
  } catch (error) {
    noteFailure(book, error);
  }
}

/** Writes a failure down, unless it says no more than that an interface is gone. */
export function noteFailure(book: Pick<Book, 'failed'>, error: unknown): void {
  if (!isGone(error)) book.failed(error);
}
