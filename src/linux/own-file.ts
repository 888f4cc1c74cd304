// Files of our own in a directory of our own: regular ones, not followed by links, and what must not be lost is there twice.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writevSync,
} from 'node:fs';
import type { Result } from '../base/index.js';
import { isErrno } from './errors.js';

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/** What a file is to hold: a text, or pieces of one that are bytes already. */
export type Content = string | readonly Uint8Array[];

/** Where the second copy of a file is. */
export function copyOf(path: string): string {
  return `${path}.copy`;
}

/** A file that is there but cannot be read, or not be made sense of: never to be taken for one that is not there. */
export class UnreadableFile extends Error {
  /** `damaged`: it was read, and says nothing. `unreadable`: it could not be read, and perhaps can be later. */
  readonly kind: 'damaged' | 'unreadable';
  readonly path: string;

  /** `why` is a clause. */
  constructor(kind: UnreadableFile['kind'], path: string, why: string, cause?: unknown) {
    super(`${path} ${kind === 'damaged' ? 'is damaged' : 'cannot be read'}: ${why}`, { cause });
    this.name = 'UnreadableFile';
    this.kind = kind;
    this.path = path;
  }
}

/** The text of a regular file, or its first bytes; undefined when there is none. Throws UnreadableFile. */
export function readOwnFile(path: string, mostBytes?: number): string | undefined {
  let fd = -1;
  try {
    // Not blocking: the opening of a FIFO would wait for a writer.
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found = fstatSync(fd);
    if (!found.isFile()) throw new UnreadableFile('unreadable', path, 'it is no regular file');
    if (found.uid !== 0 && found.uid !== process.geteuid?.()) {
      throw new UnreadableFile('unreadable', path, `it belongs to user ${found.uid}`);
    }
    return mostBytes === undefined ? readFileSync(fd, 'utf8') : firstBytes(fd, mostBytes).toString('utf8');
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    if (fd === -1 && isErrno(error, 'ENOENT')) return undefined;
    const why = isErrno(error, 'ELOOP') ? 'it is a symbolic link' : (error as Error).message;
    throw new UnreadableFile('unreadable', path, why, error);
  } finally {
    if (fd !== -1) closeSync(fd);
  }
}

function firstBytes(fd: number, most: number): Buffer {
  const bytes = Buffer.alloc(most);
  let length = 0;
  for (let read = -1; read !== 0 && length < most; length += read) {
    read = readSync(fd, bytes, length, most - length, length);
  }
  return bytes.subarray(0, length);
}

/** Replaces a file; a crash leaves the old or the new one. `mode` holds whatever the umask is, as far as that only takes away. */
export function replaceOwnFile(path: string, text: Content, mode = 0o600): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    try {
      writeNamed(fd, temporary, text);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeIfPossible(temporary);
    throw error;
  }
}

/** Half of a file is nothing that anybody may need. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Why it could not be written is told already.
  }
}

/** Node names no path when the writing to a descriptor fails. */
function writeNamed(fd: number, path: string, text: Content): void {
  try {
    if (typeof text === 'string') writeFileSync(fd, text);
    else writePieces(fd, text);
  } catch (error) {
    if (error instanceof Error && !error.message.includes(path)) error.message += ` '${path}'`;
    throw error;
  }
}

/** In one call, unless something keeps the end of it from being written: then that is thrown. */
function writePieces(fd: number, pieces: readonly Uint8Array[]): void {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const written = writevSync(fd, pieces);
  if (written < length) writeFileSync(fd, Buffer.concat(pieces).subarray(written));
}

/** Adds to a file, which is made where there is none. */
export function appendOwnFile(path: string, text: string, mode = 0o600): void {
  const fd = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    writeNamed(fd, path, text);
  } finally {
    closeSync(fd);
  }
}

/** Replaces a file and its copy, one after the other: whatever happens to one, the other tells. */
export function keepTwice(path: string, text: Content): void {
  replaceOwnFile(path, text);
  replaceOwnFile(copyOf(path), text);
}

/** The same, unless file and copy say so already. */
export function keepTwiceIfOther(path: string, text: string): void {
  if (![path, copyOf(path)].every(each => hasText(each, text))) keepTwice(path, text);
}

function hasText(path: string, text: string): boolean {
  try {
    return readOwnFile(path) === text;
  } catch {
    // To be written is what it is for.
    return false;
  }
}

/** Takes away a file, its copy, and what was being written; throws the first failure, having tried all. */
export function removeTwice(path: string): void {
  let failure: unknown;
  for (const each of [path, `${path}.new`, copyOf(path), `${copyOf(path)}.new`]) {
    try {
      rmSync(each, { force: true });
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
}

/** What a file that is kept twice says. */
export interface Kept<T> {
  readonly value: T;
  /** Why it is what the copy says, as a clause; undefined when the file itself is good. */
  readonly instead?: string;
}

/**
 * What a file says that `keepTwice` wrote, or its copy where the file is gone or damaged (`parse` gives a clause then). Undefined
 * when neither is there. Throws UnreadableFile for one that cannot be read (it may be newer than the copy), and when there is no good
 * copy of one that is damaged.
 */
export function readTwice<T>(path: string, parse: (text: string) => Result<T, string>): Kept<T> | undefined {
  const text = readOwnFile(path);
  const parsed = text === undefined ? undefined : parse(text);
  if (parsed?.ok === true) return { value: parsed.value };
  const damage = parsed?.error;
  const copy = readCopy(copyOf(path), damage);
  if (copy === undefined) {
    if (damage !== undefined) throw new UnreadableFile('damaged', path, damage);
    return undefined;
  }
  const second = parse(copy);
  const instead = damage === undefined ? `${path} is gone` : `${path} is damaged (${damage})`;
  if (second.ok) return { value: second.value, instead };
  throw damage === undefined
    ? new UnreadableFile('damaged', copyOf(path), second.error)
    : new UnreadableFile('damaged', path, `${damage}; and so is its copy`);
}

/** As `readOwnFile`; of a file that is damaged itself, that is the first thing to know. */
function readCopy(path: string, damage: string | undefined): string | undefined {
  try {
    return readOwnFile(path);
  } catch (error) {
    if (damage === undefined || !(error instanceof UnreadableFile)) throw error;
    throw new UnreadableFile(
      'unreadable',
      path,
      `${(error as Error).message}; the file itself is damaged (${damage})`,
    );
  }
}
