// Finds what an earlier daemon left of a bond: by its note, its pins, and what hangs at its interfaces; and whether it can be used as
// it is, or its working parts are to be made anew.
import {
  closeFd,
  getLink,
  isErrno,
  linkInfo,
  mapFdById,
  mapInfo,
  mayFindObjects,
  type Rtnetlink,
} from '../../linux/index.js';
import type { BondPlaces, KnownBond } from '../contract.js';
import { Pair, PAIR_KINDS, type PairKind } from '../pair.js';
import { unlessDamaged } from '../parts-note.js';
import { MAX_MEMBERS } from '../limits.js';
import { type Attachment, type AttachWish, type Hooks, type IngressKind, isAttached } from './attachment.js';
import { type CarriedState, readCarried, versionOf } from './carried-state.js';
import { type Hooked, hookedAt, hookedAtPair } from './hooks.js';
import type { LoadedMaps } from './maps.js';
import { noted, type Parts, readParts } from './parts.js';
import { Pins, type PinStore } from './pins.js';
import { EVENTS_MAP, LAYOUT_VERSION, SHARED, STATE_MAP } from './shared-state.js';
import type { Toolbox } from './toolbox.js';

/** What bonds work with. */
export interface EbpfSurroundings {
  readonly netlink: Rtnetlink;
  readonly toolbox: Toolbox;
  readonly store: PinStore;
}

/** Names of pins. */
export const STATE_PIN = 'state';
export const EVENTS_PIN = 'events';
export const TRANSMIT_PIN = 'transmit';
export const receivePin = (slot: number | string): string => `receive-${slot}`;

/** How programs are to be attached here; undefined: the best that there is. Links end with us where pins do; filters do not. */
export function attachKindFor({ toolbox }: EbpfSurroundings, pins: Pins): IngressKind | undefined {
  return toolbox.attach ?? (pins.last() ? undefined : 'clsact');
}

/** Of which kind the pair of a new bond may be, the best first. */
export function pairKindsFor(by: EbpfSurroundings, pins: Pins): readonly PairKind[] {
  if (by.toolbox.pair !== undefined) return [by.toolbox.pair];
  // What is quicker about netkit is its own hook, which takes links alone.
  return attachKindFor(by, pins) === 'clsact' ? ['veth'] : PAIR_KINDS;
}

/** Where the transmit program of a pair goes: at what a netkit bond sends, else at what comes out of the lower end. */
export function transmitWish(
  { kind, bondIfindex, lowerIfindex }: Pick<Pair, 'kind' | 'bondIfindex' | 'lowerIfindex'>,
  attach: IngressKind | undefined,
): AttachWish {
  if (kind === 'netkit' && attach !== 'clsact')
    return { ifindex: bondIfindex, pin: TRANSMIT_PIN, kind: 'netkit' };
  return { ifindex: lowerIfindex, pin: TRANSMIT_PIN, ...(attach !== undefined && { kind: attach }) };
}

/** What was found. */
export interface FoundBond {
  readonly pair: Pair;
  readonly parts: Parts;
  /** The caller closes them; absent where they are gone. */
  readonly maps?: LoadedMaps;
  /** What was counted, and who sends; absent where that cannot be read. */
  readonly carried?: CarriedState;
  /** Why the working parts are to be made anew: one clause; absent where they are as they should be. */
  readonly trouble?: string;
}

/** Looks for a bond; undefined when its interfaces are gone. */
export function findBond(by: EbpfSurroundings, places: BondPlaces, known: KnownBond): FoundBond | undefined {
  const { netlink } = by;
  const note = unlessDamaged(() => readParts(places.partsFile));
  const finished = note !== undefined && 'transmit' in note ? note : undefined;
  const pair = Pair.takeOver(netlink, places, finished ?? known);
  if (pair === undefined) return undefined;
  const pins = new Pins(by.store, places);
  const maps = findMaps(netlink, pins, finished, pair);
  const state = maps?.state;
  const carried =
    state === undefined ? undefined : readCarried(state, finished?.fields, finished?.leaseFields);
  const hooks: Hooks = { netlink, pins, mapId: state === undefined ? undefined : mapInfo(state).id };
  const parts = finished ?? partsFromKernel(hooks, pair, known, carried);
  const trouble = troubleOf(by, hooks, parts, finished, state, stillIn(known, carried));
  return {
    pair,
    parts,
    ...(maps !== undefined && { maps }),
    ...(carried !== undefined && { carried }),
    ...(trouble !== undefined && { trouble }),
  };
}

/** The maps by the ids that were noted, by their pins, or by the transmit program. */
function findMaps(
  netlink: Rtnetlink,
  pins: Pins,
  finished: Parts | undefined,
  pair: Pair,
): LoadedMaps | undefined {
  const { maps } = finished ?? {};
  const byNote = maps === undefined ? undefined : both(mapNamed(maps.state), mapNamed(maps.events));
  const found = byNote ?? both(pins.get(STATE_PIN), pins.get(EVENTS_PIN));
  if (found !== undefined) return found;
  const fds = hookedAtPair(netlink, pair)
    .flatMap(({ mapIds }) => mapIds)
    .map(mapNamed)
    .filter(fd => fd !== undefined);
  const named = (name: string): number | undefined => fds.find(fd => mapInfo(fd).name === name);
  const hooked = { state: named(STATE_MAP), events: named(EVENTS_MAP) };
  for (const fd of fds) if (fd !== hooked.state && fd !== hooked.events) closeFd(fd);
  return both(hooked.state, hooked.events);
}

/** Both or none. */
function both(state: number | undefined, events: number | undefined): LoadedMaps | undefined {
  if (state !== undefined && events !== undefined) return { state, events };
  for (const fd of [state, events]) if (fd !== undefined) closeFd(fd);
  return undefined;
}

/** A map of ours by its id; undefined when it is gone, another's, or not to be looked at. */
function mapNamed(id: number): number | undefined {
  let fd: number | undefined;
  try {
    fd = mapFdById(id);
  } catch (error) {
    if (isErrno(error, 'EPERM', 'EACCES')) return undefined;
    throw error;
  }
  if (fd === undefined || [STATE_MAP, EVENTS_MAP].includes(mapInfo(fd).name)) return fd;
  closeFd(fd);
  return undefined;
}

/** What a note that is gone would have said, as far as the kernel knows it. */
function partsFromKernel(
  hooks: Hooks,
  pair: Pair,
  known: KnownBond,
  carried: CarriedState | undefined,
): Parts {
  const pinned = pinnedLinks(hooks.pins);
  const hookedHere = (ifindex: number): Hooked[] =>
    hookedAt(hooks.netlink, ifindex).filter(({ mapIds }) => isOf(mapIds, hooks.mapId));
  const at = (ifindex: number, pin: string): Attachment => {
    const kind = hookedHere(ifindex)[0]?.kind ?? 'tcx';
    // Taken away only where nothing else hangs in it.
    return { kind, pin: hooks.pins.pathOf(pin), ifindex, ownsQdisc: kind === 'clsact' };
  };
  const receive: Record<string, Attachment> = {};
  const rest: number[] = [];
  for (const member of known.members) {
    const slot = pinned.get(member) ?? carried?.members.get(member)?.slot;
    if (slot === undefined || slot in receive) rest.push(member);
    else receive[slot] = at(member, receivePin(slot));
  }
  for (const member of rest) {
    const slot = Array.from({ length: MAX_MEMBERS }, (_, i) => i).find(free => !(free in receive)) ?? 0;
    receive[slot] = at(member, receivePin(slot));
  }
  const { lowerName, bondIfindex, lowerIfindex } = pair;
  const isAtLower = pair.kind === 'veth' || hookedHere(lowerIfindex).length > 0;
  const transmit: Attachment = isAtLower
    ? at(lowerIfindex, TRANSMIT_PIN)
    : { kind: 'netkit', pin: hooks.pins.pathOf(TRANSMIT_PIN), ifindex: bondIfindex, ownsQdisc: false };
  return noted({ lowerName, bondIfindex, lowerIfindex, transmit, receive }, true);
}

function isOf(mapIds: readonly number[], mapId: number | undefined): boolean {
  return mapId === undefined || mapIds.includes(mapId);
}

/** Slots by interface, of pinned links. */
function pinnedLinks(pins: Pins): ReadonlyMap<number, number> {
  const slots = new Map<number, number>();
  for (const name of pins.names()) {
    const slot = /^receive-([0-9]+)$/.exec(name)?.[1];
    const fd = slot === undefined ? undefined : pins.get(name);
    if (fd === undefined) continue;
    const ifindex = linkInfo(fd).hook?.ifindex;
    closeFd(fd);
    if (ifindex !== undefined && ifindex !== 0 && Number(slot) < MAX_MEMBERS)
      slots.set(ifindex, Number(slot));
  }
  return slots;
}

/** Without members that left when that could not be written down: the map has no slot of theirs. */
function stillIn(known: KnownBond, carried: CarriedState | undefined): KnownBond {
  if (carried === undefined) return known;
  return { ...known, members: known.members.filter(member => carried.members.has(member)) };
}

/** Why it cannot be used as it is. */
function troubleOf(
  by: EbpfSurroundings,
  hooks: Hooks,
  parts: Parts,
  finished: Parts | undefined,
  state: number | undefined,
  known: KnownBond,
): string | undefined {
  if (finished === undefined) return 'the note of what it is made of was gone or damaged';
  if (parts.exchanging === true) return 'an exchange of its working parts was cut short';
  if (state === undefined) return 'its maps were gone';
  const version = versionOf(state);
  if (version !== LAYOUT_VERSION || mapInfo(state).valueSize !== SHARED.size)
    return `they were of layout ${version}, and this Bondwire has ${LAYOUT_VERSION}`;
  if (!isAttached(hooks, parts.transmit))
    return parts.transmit.kind === 'netkit'
      ? 'the program at what it sends was gone'
      : 'the program at its lower end was gone';
  const attachments = Object.values(parts.receive);
  for (const member of known.members) {
    const link = getLink(by.netlink, member);
    if (link === undefined) continue;
    const attachment = attachments.find(({ ifindex }) => ifindex === member);
    if (attachment === undefined || !isAttached(hooks, attachment))
      return `the program at ${link.name ?? member} was gone`;
  }
  const fleeting =
    [parts.transmit, ...attachments].some(({ kind }) => kind !== 'clsact') && !hooks.pins.last();
  if (fleeting && by.toolbox.attach !== 'tcx' && mayFindObjects()) return 'pins end with the daemon here';
  return undefined;
}
