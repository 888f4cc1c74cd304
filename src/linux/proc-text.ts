// Files of /proc that are read again and again. They tell no length, and Node takes new memory for each piece that it reads of such a
// file; here they are read into the same memory, and made to text only where they say something new.
import { closeSync, openSync, readSync } from 'node:fs';

const FIRST_BYTES = 16 * 1024;

export class ProcText {
  readonly #path: string;
  #bytes = Buffer.alloc(0);
  #length = 0;
  /** What was read before that. */
  #before = Buffer.alloc(0);
  #lengthBefore = 0;
  #text = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** All of the file, a character a byte; the very same text as before where it says the same. Throws as readFileSync does. */
  read(): string {
    if (this.isNew()) this.#text = this.#bytes.toString('latin1', 0, this.#length);
    return this.#text;
  }

  /** Reads the file; true where it says something else than before. */
  isNew(): boolean {
    [this.#bytes, this.#before] = [this.#before, this.#bytes];
    this.#lengthBefore = this.#length;
    this.#length = 0;
    const fd = openSync(this.#path, 'r');
    try {
      while (this.#readPiece(fd));
    } finally {
      closeSync(fd);
    }
    return !this.#isAsBefore();
  }

  /** What was read last; until the next reading. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #readPiece(fd: number): boolean {
    const room = this.#bytes.length - this.#length;
    if (room === 0) {
      this.#bytes = Buffer.concat([this.#bytes], Math.max(FIRST_BYTES, 2 * this.#bytes.length));
      return true;
    }
    const more = readSync(fd, this.#bytes, this.#length, room, null);
    this.#length += more;
    return more > 0;
  }

  #isAsBefore(): boolean {
    if (this.#length !== this.#lengthBefore) return false;
    return this.#bytes.compare(this.#before, 0, this.#length, 0, this.#length) === 0;
  }
}
