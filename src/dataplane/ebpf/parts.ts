// What a bond is made of, as a file: another process finds the bond by it, or clears away what was never finished.
import { keepTwice } from '../../linux/index.js';
import { EBPF_NOTE, readNote } from '../parts-note.js';
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
  /** VLAN tags that the receive programs may leave to devices on the members, by slot; absent: none. Noted before it is so. */
  readonly left?: Readonly<Record<string, readonly number[]>>;
}

/** What is noted before anything is made, so that a making that is cut short can be cleared away. */
export type Unfinished = Pick<Parts, 'layoutVersion' | 'lowerName'>;

/** Replaces the file and its copy; a crash leaves the old or the new one of each. */
export function writeParts(file: string, parts: Parts | Unfinished): void {
  keepTwice(file, JSON.stringify(parts));
}

/** What the file says; undefined when there is none, or it is of another data plane. Throws UnreadableFile. */
export function readParts(file: string): Parts | Unfinished | undefined {
  return readNote(file, EBPF_NOTE) as Parts | Unfinished | undefined;
}
