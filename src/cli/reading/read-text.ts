// Files that users name: regular ones of a sensible size, and pipes that somebody has opened for us (`<(…)`, /dev/stdin). Nothing that
// is waited for, and nothing without end.
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { plain } from '../printing/plain.js';

/** No configuration is as long. */
export const LARGEST_TEXT: number = 1024 * 1024;
const LIMIT = '1 MiB';
const CHUNK = 64 * 1024;

/** The text of a file; `-` is standard input. Throws an Error with one sentence. */
export function readTextFile(path: string): string {
  if (path === '-') return readAll(0, 'Standard input', false);
  const fd = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (found.isFile()) return readAll(fd, plain(path), true);
    if (found.isFIFO() && isPipe(fd)) return readPipe(path);
    const what = found.isDirectory()
      ? 'a directory'
      : found.isFIFO()
        ? 'a named pipe (FIFO)'
        : 'no regular file';
    throw new Error(`${plain(path)} cannot be read: it is ${what}; name a file that holds text.`);
  } finally {
    closeSync(fd);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw cannotRead(plain(path), error);
  }
}

function cannotRead(name: string, error: unknown): Error {
  const why =
    error instanceof Error ? error.message.replace(/^[A-Z0-9]+: ([^,]*),.*$/s, '$1') : String(error);
  const { code } = error as NodeJS.ErrnoException;
  const failure = new Error(`${name} cannot be read: ${why}.`, { cause: error });
  return code === undefined ? failure : Object.assign(failure, { code });
}

/** A pipe without a name: whoever made it has it open, so that nobody waits for an end that may never come. */
function isPipe(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:');
  } catch {
    // Not on this system, or no /proc: it may be any FIFO then.
    return false;
  }
}

function readPipe(path: string): string {
  const fd = open(path, constants.O_RDONLY);
  try {
    return readAll(fd, plain(path), false);
  } finally {
    closeSync(fd);
  }
}

/** At most LARGEST_TEXT, whatever size it says that it has: files below /proc say 0. */
function readAll(fd: number, name: string, isFile: boolean): string {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for (;;) {
      const chunk = Buffer.alloc(CHUNK);
      const read = readSync(fd, chunk, 0, CHUNK, isFile ? length : null);
      if (read === 0) break;
      length += read;
      chunks.push(chunk.subarray(0, read));
      if (length > LARGEST_TEXT) break;
    }
  } catch (error) {
    throw cannotRead(name, error);
  }
  if (length > LARGEST_TEXT)
    throw new Error(`${name} is larger than ${LIMIT}, which no file of this kind is.`);
  return Buffer.concat(chunks).toString('utf8');
}
