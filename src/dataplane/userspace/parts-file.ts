// The files of a user-space bond in its run directory: what it is made of, for the next daemon, and the mapped words beside it.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { keepTwice, type MappedMemory, mapShared, removeTwice } from '../../linux/index.js';
import type { BondPlaces } from '../contract.js';
import type { PairIndexes } from '../pair.js';
import { readNote, USERSPACE_NOTE } from '../parts-note.js';
import { SHARED_BYTES, SharedState, USERSPACE_VERSION } from './shared-state.js';
import type { Silence } from './silence.js';

/** What a bond is made of; plain JSON. */
export interface Parts extends PairIndexes {
  readonly kind: 'userspace';
  readonly version: number;
  readonly lowerName: string;
  /** By slot. */
  readonly silenced: Readonly<Record<string, Silence>>;
  /** The lower end's own. */
  readonly lowerSilence: Silence;
}

export type Unfinished = Pick<Parts, 'kind' | 'version' | 'lowerName'>;

export function stateFile(places: BondPlaces): string {
  return `${places.partsFile}.state`;
}

export function mapState(path: string, fresh: boolean): MappedMemory {
  const { O_CREAT, O_NOFOLLOW, O_RDWR, O_TRUNC } = constants;
  const fd = openSync(path, O_RDWR | O_NOFOLLOW | (fresh ? O_CREAT | O_TRUNC : 0), 0o600);
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is no regular file`);
    // Written, not only made so long: a page for which a full disk has no room then ends the process when it is touched (SIGBUS).
    if (fresh) writeFileSync(fd, new Uint8Array(SHARED_BYTES));
    else ftruncateSync(fd, SHARED_BYTES);
    return mapShared(fd, SHARED_BYTES, { writable: true });
  } finally {
    closeSync(fd);
  }
}

/** The words of a bond that is there; where they are gone or damaged they are made anew, with the members that the note knows. */
export function mapWords(places: BondPlaces, parts: Parts): MappedMemory {
  const file = stateFile(places);
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const memory = mapState(file, !isThere);
  const words = new SharedState(memory.buffer);
  if (words.version === USERSPACE_VERSION) return memory;
  words.initialise();
  for (const [slot, { ifindex }] of Object.entries(parts.silenced)) words.occupy(Number(slot), ifindex);
  return memory;
}

/** Replaces the file and its copy; a crash leaves the old or the new one of each. */
export function writeWhole(file: string, parts: Parts | Unfinished): void {
  keepTwice(file, JSON.stringify(parts));
}

/** What the file says; undefined when there is none, or it is of another data plane. Throws UnreadableFile. */
export function readUserspaceParts(file: string): Parts | Unfinished | undefined {
  return readNote(file, USERSPACE_NOTE) as Parts | Unfinished | undefined;
}

/** The mapped words alone, where the note is gone or another's. */
export function removeStateFile(places: BondPlaces): void {
  rmSync(stateFile(places), { force: true });
}

export function removeFiles(places: BondPlaces): void {
  // The note goes last: by it the rest is found.
  removeStateFile(places);
  removeTwice(places.partsFile);
}
