// What of the shared state outlives a change of its layout: who sends, what was counted, and what LACP goes on saying. Each daemon notes where these lie in
// the map that it made, so that one of another layout, newer or older, can read them.
import { lookupMap, mapInfo } from '../../linux/index.js';
import type { MemberIndex } from '../../policy/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { LEASE, LEASING, TERMS } from './lease-state.js';
import { LAYOUT_VERSION, LOSS, MEMBER, SHARED } from './shared-state.js';

/** Bytes from the start of the map's value; those of a member from the start of its slot, those of a loss from its own. */
export interface FieldPlaces {
  /** Version of the layout that this is true of. */
  readonly layout: number;
  readonly current: number;
  readonly switches: number;
  readonly drops: number;
  readonly members: number;
  readonly slots: number;
  readonly stride: number;
  readonly ifindex: number;
  readonly dead: number;
  readonly receivedNs: number;
  readonly count: number;
  readonly taken: number;
  readonly firstNs: number;
}

/** The same of leases, in a note of their own: daemons of before read the other one as it is. From `state` on bytes from the start of a lease. */
export interface LeasePlaces {
  readonly daemonNs: number;
  readonly untilNs: number;
  readonly leases: number;
  readonly stride: number;
  readonly state: number;
  readonly heardNs: number;
  readonly saidNs: number;
  readonly answers: number;
  readonly beats: number;
  readonly cutNs: number;
  readonly terms: number;
  /** Bytes of the terms: those of another length mean something else. */
  readonly termsSize: number;
}

/** Of the layout of this program. */
export const LEASE_FIELDS: LeasePlaces = {
  daemonNs: SHARED.offset('leasing') + LEASING.offset('daemonNs'),
  untilNs: SHARED.offset('leasing') + LEASING.offset('untilNs'),
  leases: SHARED.offset('leases'),
  stride: SHARED.fields.leases.type.stride,
  state: LEASE.offset('state'),
  heardNs: LEASE.offset('heardNs'),
  saidNs: LEASE.offset('saidNs'),
  answers: LEASE.offset('answers'),
  beats: LEASE.offset('beats'),
  cutNs: LEASE.offset('cutNs'),
  terms: LEASE.offset('terms'),
  termsSize: TERMS.size,
};

/** Of the layout of this program. */
export const FIELDS: FieldPlaces = {
  layout: LAYOUT_VERSION,
  current: SHARED.offset('current'),
  switches: SHARED.offset('switches'),
  drops: SHARED.offset('drops'),
  members: SHARED.offset('members'),
  slots: MAX_MEMBERS,
  stride: SHARED.fields.members.type.stride,
  ifindex: MEMBER.offset('ifindex'),
  dead: MEMBER.offset('dead'),
  receivedNs: MEMBER.offset('receivedNs'),
  count: LOSS.offset('count'),
  taken: LOSS.offset('taken'),
  firstNs: LOSS.offset('firstNs'),
};

/** Of layouts whose daemons did not note it yet. */
export const EARLIER_FIELDS: Readonly<Record<number, FieldPlaces>> = {
  6: {
    layout: 6,
    current: 4,
    switches: 32,
    drops: 40,
    members: 576,
    slots: 64,
    stride: 128,
    ifindex: 0,
    dead: 16,
    receivedNs: 56,
    count: 0,
    taken: 8,
    firstNs: 16,
  },
};

/** True for places as a daemon notes them. */
export function isFieldPlaces(value: unknown): value is FieldPlaces {
  if (typeof value !== 'object' || value === null) return false;
  return hasPlaces(value, Object.keys(FIELDS));
}

function isLeasePlaces(value: unknown): value is LeasePlaces {
  return typeof value === 'object' && value !== null && hasPlaces(value, Object.keys(LEASE_FIELDS));
}

function hasPlaces(value: object, names: readonly string[]): boolean {
  const found = new Map<string, unknown>(Object.entries(value));
  return names.every(name => {
    const place = found.get(name);
    return typeof place === 'number' && Number.isInteger(place) && place >= 0;
  });
}

/** Frames lost, as in LOSS. */
export interface CarriedLoss {
  readonly count: bigint;
  readonly taken: bigint;
  readonly firstNs: bigint;
}

/** The lease of a member, as in LEASE. */
export interface CarriedLease {
  readonly state: number;
  readonly heardNs: bigint;
  readonly saidNs: bigint;
  readonly answers: bigint;
  readonly beats: bigint;
  readonly cutNs: bigint;
  /** As TERMS lie in memory. */
  readonly terms: Uint8Array;
}

/** When a daemon was there last, and until when programs speak without one. */
export interface CarriedLeasing {
  readonly daemonNs: bigint;
  readonly untilNs: bigint;
}

export interface CarriedMember {
  readonly lease?: CarriedLease;
  readonly slot: number;
  readonly dead: CarriedLoss;
  readonly receivedNs: bigint;
}

export interface CarriedState {
  readonly version: number;
  /** The member that sends; undefined: none does. */
  readonly current: MemberIndex | undefined;
  readonly switches: bigint;
  readonly drops: CarriedLoss;
  readonly members: ReadonlyMap<MemberIndex, CarriedMember>;
  readonly leasing?: CarriedLeasing;
}

/** Version of the layout of a state map: its first word, in every layout. Undefined when it is no such map. */
export function versionOf(mapFd: number): number | undefined {
  return wordsOf(mapFd)?.getUint32(0, true);
}

/** Reads what is carried over; undefined where the map does not have it there. The places as noted; none where nothing was. */
export function readCarried(
  mapFd: number,
  fields: FieldPlaces | undefined,
  leaseFields?: LeasePlaces,
): CarriedState | undefined {
  const words = wordsOf(mapFd);
  if (words === undefined) return undefined;
  const version = words.getUint32(0, true);
  const isKnown = isFieldPlaces(fields) && fields.layout === version;
  const at = isKnown ? fields : EARLIER_FIELDS[version];
  if (at === undefined || at.stride === 0 || at.members + at.slots * at.stride > words.byteLength)
    return undefined;
  try {
    return carriedIn(words, version, at, isKnown && isLeasePlaces(leaseFields) ? leaseFields : undefined);
  } catch (error) {
    // The places lie beyond its end.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function carriedIn(
  words: DataView,
  version: number,
  at: FieldPlaces,
  leaseAt: LeasePlaces | undefined,
): CarriedState {
  const long = (offset: number): bigint => words.getBigUint64(offset, true);
  const loss = (offset: number): CarriedLoss => ({
    count: long(offset + at.count),
    taken: long(offset + at.taken),
    firstNs: long(offset + at.firstNs),
  });
  const members = new Map<MemberIndex, CarriedMember>();
  let current: MemberIndex | undefined;
  for (let slot = 0; slot < at.slots; slot++) {
    const start = at.members + slot * at.stride;
    const ifindex = words.getUint32(start + at.ifindex, true);
    if (ifindex === 0) continue;
    const lease = leaseAt === undefined ? undefined : leaseIn(words, leaseAt, slot);
    members.set(ifindex, {
      slot,
      dead: loss(start + at.dead),
      receivedNs: long(start + at.receivedNs),
      ...(lease !== undefined && { lease }),
    });
    if (words.getUint32(at.current, true) === slot) current = ifindex;
  }
  const carried = { version, current, switches: long(at.switches), drops: loss(at.drops), members };
  if (leaseAt === undefined) return carried;
  return {
    ...carried,
    leasing: { daemonNs: long(leaseAt.daemonNs), untilNs: long(leaseAt.untilNs) },
  };
}

/** Undefined where its terms are of another form. */
function leaseIn(words: DataView, at: LeasePlaces, slot: number): CarriedLease | undefined {
  if (at.termsSize !== TERMS.size) return undefined;
  const start = at.leases + slot * at.stride;
  const long = (offset: number): bigint => words.getBigUint64(start + offset, true);
  // Beyond the end this throws, as the others do.
  const terms = new Uint8Array(words.buffer, words.byteOffset + start + at.terms, at.termsSize).slice();
  return {
    state: words.getUint32(start + at.state, true),
    heardNs: long(at.heardNs),
    saidNs: long(at.saidNs),
    answers: long(at.answers),
    beats: long(at.beats),
    cutNs: long(at.cutNs),
    terms,
  };
}

function wordsOf(mapFd: number): DataView | undefined {
  const { valueSize } = mapInfo(mapFd);
  const value = lookupMap(mapFd, new Uint8Array(4), valueSize);
  return value === undefined || valueSize < 8 ? undefined : new DataView(value.buffer);
}
