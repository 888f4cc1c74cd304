// RUN_DIR/bondwire.log. The run directory is memory that others need too: the file is kept small, and a full one stops nothing.
import { renameSync, statSync } from 'node:fs';
import { appendOwnFile } from '../../linux/index.js';

const MAX_BYTES = 4 * 1024 * 1024;

/** A stream for pino, in a folder that is there. What cannot be written is lost: nothing may fail because of it. */
export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;

  constructor(path: string, maxBytes: number = MAX_BYTES) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** Adds a line. When there are too many bytes the file is put aside as `….1`, instead of the one before. */
  write(line: string): void {
    try {
      if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > this.#maxBytes)
        renameSync(this.#path, `${this.#path}.1`);
      appendOwnFile(this.#path, line, 0o644);
    } catch {
      // Events are kept in memory, and shown by `bondwire events`.
    }
  }
}
