// The files of a user-space bond in its run directory: what it is made of, for the next daemon, and the mapped words beside it.
import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type MappedMemory, mapShared } from '../../linux/index.js';
import type { BondPlaces } from '../contract.js';
import type { Pair } from '../pair.js';
import { SHARED_BYTES, USERSPACE_VERSION } from './shared-state.js';
import type { Silence } from './silence.js';

/** What a bond is made of; plain JSON. */
export interface Parts extends Pair {
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
  const fd = openSync(path, fresh ? 'w+' : 'r+', 0o600);
  try {
    // Written, not only made so long: a page for which a full disk has no room then ends the process when it is touched (SIGBUS).
    if (fresh) writeFileSync(fd, new Uint8Array(SHARED_BYTES));
    else ftruncateSync(fd, SHARED_BYTES);
    return mapShared(fd, SHARED_BYTES, { writable: true });
  } finally {
    closeSync(fd);
  }
}

/** Replaces the file; a crash leaves the old or the new one. */
export function writeWhole(file: string, parts: Parts | Unfinished): void {
  writeFileSync(`${file}.new`, JSON.stringify(parts), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Version of one that was finished; undefined when there is none. */
export function notedUserspaceVersion({ partsFile }: BondPlaces): { readonly isOurs: boolean } | undefined {
  const parts = readUserspaceParts(partsFile);
  if (parts === undefined || !('lowerIfindex' in parts)) return undefined;
  return { isOurs: parts.version === USERSPACE_VERSION };
}

/** What the file says; undefined when there is none, or it is of another data plane. */
export function readUserspaceParts(file: string): Parts | Unfinished | undefined {
  try {
    const parts = JSON.parse(readFileSync(file, 'utf8')) as Parts | Unfinished;
    return parts.kind === 'userspace' ? parts : undefined;
  } catch {
    return undefined;
  }
}

export function removeFiles(places: BondPlaces): void {
  for (const file of [places.partsFile, `${places.partsFile}.new`, stateFile(places)]) {
    rmSync(file, { force: true });
  }
}
