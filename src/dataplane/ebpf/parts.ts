// What a bond is made of, as a file: another process finds the bond by it, or clears away what was never finished.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Attachment } from './attachment.js';

/** What a bond is made of; plain JSON, so that another process can find it. */
export interface Parts {
  readonly layoutVersion: number;
  readonly lowerName: string;
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  readonly transmit: Attachment;
  /** By slot. */
  readonly receive: Readonly<Record<string, Attachment>>;
}

/** What is noted before anything is made, so that a making that is cut short can be cleared away. */
export type Unfinished = Pick<Parts, 'layoutVersion' | 'lowerName'>;

/** Replaces the file; a crash leaves the old or the new one. */
export function writeParts(file: string, parts: Parts | Unfinished): void {
  writeFileSync(`${file}.new`, JSON.stringify(parts), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** What the file says; undefined when there is none that can be read. */
export function readParts(file: string): Parts | Unfinished | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Parts | Unfinished;
  } catch {
    return undefined;
  }
}
