// What a bond is made of, as a file: another process finds the bond by it, or clears away what was never finished.
import { keepTwice, keepTwiceIfOther, mapInfo } from '../../linux/index.js';
import { EBPF_NOTE, readNote } from '../parts-note.js';
import type { Attachment } from './attachment.js';
import { type FieldPlaces, FIELDS, LEASE_FIELDS, type LeasePlaces } from './carried-state.js';
import type { LoadedMaps } from './maps.js';
import type { Metronome } from './metronome.js';
import type { Pins } from './pins.js';
import { LAYOUT_VERSION } from './shared-state.js';

/**
 * Stands in place of the version where pins do not lead to the whole bond: they end with the daemon, or its working parts are being
 * exchanged. Daemons that know nothing of that leave such a bond alone.
 */
export const NOT_BY_PINS = 0;

/** Ids of the maps; they are the kernel's, of this boot. */
export interface MapIds {
  readonly state: number;
  readonly events: number;
}

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
  /** 802.3ad: what speaks for LACP while no daemon is there; absent where nothing does. */
  readonly metronome?: Metronome;
  /** Absent in notes of daemons that knew pins only. */
  readonly maps?: MapIds;
  /** Where what is carried over lies in the state map, for daemons of another layout; absent likewise. */
  readonly fields?: FieldPlaces;
  readonly leaseFields?: LeasePlaces;
  /** True while the working parts are being exchanged for new ones. */
  readonly exchanging?: boolean;
}

/** What is noted before anything is made, so that a making that is cut short can be cleared away. */
export type Unfinished = Pick<Parts, 'layoutVersion' | 'lowerName'>;

/** The same with what other daemons are to know besides; `byPins`: pins lead to all of it. */
export function noted(
  parts: Omit<Parts, 'layoutVersion' | 'fields' | 'leaseFields'>,
  byPins: boolean,
): Parts {
  return {
    ...parts,
    layoutVersion: byPins ? LAYOUT_VERSION : NOT_BY_PINS,
    fields: FIELDS,
    leaseFields: LEASE_FIELDS,
  };
}

/** What is noted of a bond, with the ids of its maps. */
export function notedWith(
  maps: LoadedMaps,
  parts: Omit<Parts, 'layoutVersion' | 'fields' | 'leaseFields'>,
  pins: Pins,
): Parts {
  const ids = { state: mapInfo(maps.state).id, events: mapInfo(maps.events).id };
  return noted({ ...parts, maps: ids }, pins.last());
}

/** Replaces the file and its copy; a crash leaves the old or the new one of each. */
export function writeParts(file: string, parts: Parts | Unfinished): void {
  keepTwice(file, JSON.stringify(parts));
}

/** The same where the file or its copy says something else. */
export function renewParts(file: string, parts: Parts): void {
  keepTwiceIfOther(file, JSON.stringify(parts));
}

/** What the file says; undefined when there is none, or it is of another data plane. Throws UnreadableFile. */
export function readParts(file: string): Parts | Unfinished | undefined {
  return readNote(file, EBPF_NOTE) as Parts | Unfinished | undefined;
}
