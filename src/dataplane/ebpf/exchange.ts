// Makes the working parts of a bond anew beside those at work, and puts them in their place with no frame lost: after another
// version of Bondwire, or where parts are missing.
import { closeFd, detachLink, getLink, linkFdById, mapInfo, type Rtnetlink } from '../../linux/index.js';
import { tagRanges } from '../../netlink/index.js';
import type { MemberIndex } from '../../policy/index.js';
import type { BondPlaces, KnownBond } from '../contract.js';
import { quietly } from '../quietly.js';
import { MAX_MEMBERS } from '../limits.js';
import {
  type Attachment,
  attachProgram,
  type AttachWish,
  detach,
  type Hooks,
  isAttached,
  keepPinned,
  swapProgram,
} from './attachment.js';
import { type CarriedState, readCarried } from './carried-state.js';
import {
  attachKindFor,
  type EbpfSurroundings,
  EVENTS_PIN,
  type FoundBond,
  receivePin,
  STATE_PIN,
  transmitWish,
} from './find-bond.js';
import { type Hooked, hookedAt, hookedAtPair } from './hooks.js';
import { LiveState } from './live-state.js';
import { closeMaps, createMaps, type LoadedMaps } from './maps.js';
import { NOT_BY_PINS, noted, type Parts, writeParts } from './parts.js';
import { metronomeOf, removeMetronome } from './metronome.js';
import { Pins } from './pins.js';
import { receiveProgram } from './programs.js';
import { publishPlan } from './publish-plan.js';
import { transmitKindOf, transmitProgramOf } from './transmit-kinds.js';

/** The bond with its new parts. */
export interface Exchanged {
  readonly parts: Parts;
  /** The caller closes them. */
  readonly maps: LoadedMaps;
}

/**
 * The new maps hold the whole plan, and who sends, before the first program is exchanged; so do the old ones until the last. In
 * between, programs of both kinds are at work. Members change first: the new receive program accepts whom the old transmit program
 * sends by, since both begin with the same `current`, and look for themselves whether it can send. Then the lower end: when it begins
 * to choose by the new map, all members obey that already. At the end what the old programs did meanwhile is carried over.
 *
 * Throws when something fails on the way; then both kinds stay at work, and the note says so for the next daemon.
 */
export function exchange(
  by: EbpfSurroundings,
  places: BondPlaces,
  known: KnownBond,
  found: FoundBond,
): Exchanged {
  const { netlink, toolbox } = by;
  const pins = new Pins(by.store, places);
  // It would speak by the old map. It is made anew with the next lease; until then partners are answered by the receive programs.
  removeMetronome(netlink, metronomeOf(found.parts.lowerName));
  const slots = slotsOf(netlink, known, found.parts);
  const maps = createMaps();
  const programs = new Map<number | 'transmit', number>();
  let state: LiveState | undefined;
  try {
    state = new LiveState(maps.state);
    state.initialise(found.parts.lowerIfindex);
    for (const [slot, member] of slots) {
      state.occupy(slot, member);
      state.setDevice(slot, toolbox.learn(member));
    }
    publishPlan(state, known.plan, toolbox.context.reader !== 'none');
    follow(state, undefined, found.carried);
    if (found.carried !== undefined) state.carryLeases(found.carried);
    const transmit = transmitProgramOf(toolbox.context, transmitKindOf(known.plan));
    programs.set('transmit', toolbox.load(transmit, maps));
    for (const slot of slots.keys()) {
      const left = tagRanges(found.parts.left?.[slot] ?? []);
      programs.set(slot, toolbox.load(receiveProgram(toolbox.context, slot, left), maps));
    }
    const parts = attachAll(by, places, pins, found, { slots, maps, programs });
    carry(state, found);
    return { parts, maps };
  } catch (error) {
    closeMaps(maps);
    throw error;
  } finally {
    for (const fd of programs.values()) closeFd(fd);
    state?.close();
  }
}

/** What is put in place: the other one goes only when the new one is there. */
interface NewParts {
  readonly slots: ReadonlyMap<number, MemberIndex>;
  readonly maps: LoadedMaps;
  readonly programs: ReadonlyMap<number | 'transmit', number>;
}

function attachAll(
  by: EbpfSurroundings,
  places: BondPlaces,
  pins: Pins,
  found: FoundBond,
  { slots, maps, programs }: NewParts,
): Parts {
  const { netlink } = by;
  const old = found.parts;
  const oldMap = found.maps?.state;
  const hooks: Hooks = { netlink, pins, mapId: oldMap === undefined ? undefined : mapInfo(oldMap).id };
  const wished = attachKindFor(by, pins);
  const put = (of: number | 'transmit', before: Attachment | undefined, wish: AttachWish): Attachment => {
    const program = programs.get(of) ?? -1;
    // With whichever map, where an exchange was cut short.
    const isThere =
      before !== undefined &&
      (isAttached(hooks, before) || isAttached({ ...hooks, mapId: undefined }, before));
    // A program stays where it is, as long as that lasts.
    if (isThere && (wished === undefined || before.kind === wish.kind)) {
      swapProgram(hooks, program, before);
      keepPinned(hooks, before);
      return before;
    }
    // What is exchanged is noted as such.
    const made = attachProgram(hooks, program, wish, () => {});
    if (isThere) detach(hooks, before);
    return made;
  };
  const receiveWish = (slot: number, ifindex: number): AttachWish => {
    return { ifindex, pin: receivePin(slot), ...(wished !== undefined && { kind: wished }) };
  };
  writeParts(places.partsFile, { ...old, layoutVersion: NOT_BY_PINS, exchanging: true });
  const receive: Record<string, Attachment> = {};
  for (const [slot, member] of slots)
    receive[slot] = put(slot, attachmentAt(old, member), receiveWish(slot, member));
  const transmit = put('transmit', old.transmit, transmitWish(found.pair, wished));
  pins.pin(maps.state, STATE_PIN);
  pins.pin(maps.events, EVENTS_PIN);
  const ids = { state: mapInfo(maps.state).id, events: mapInfo(maps.events).id };
  for (const attachment of Object.values(old.receive))
    if (!Array.from(slots.values()).includes(attachment.ifindex)) quietly(() => detach(hooks, attachment));
  removeStrays(hookedAtPair(netlink, old), ids.state);
  for (const ifindex of slots.values()) removeStrays(hookedAt(netlink, ifindex), ids.state);
  const { lowerName, bondIfindex, lowerIfindex, left = {} } = old;
  const made = { lowerName, bondIfindex, lowerIfindex, transmit, receive, left, maps: ids };
  const parts = noted(made, pins.last());
  writeParts(places.partsFile, parts);
  return parts;
}

/** Members that are there by slot: the slots that they have, where they have any. */
function slotsOf(netlink: Rtnetlink, known: KnownBond, parts: Parts): ReadonlyMap<number, MemberIndex> {
  const slots = new Map<number, MemberIndex>();
  const wanted = known.members.filter(member => getLink(netlink, member) !== undefined);
  for (const [slot, { ifindex }] of Object.entries(parts.receive))
    if (wanted.includes(ifindex) && Number(slot) < MAX_MEMBERS) slots.set(Number(slot), ifindex);
  for (const member of wanted) {
    if (Array.from(slots.values()).includes(member)) continue;
    const free = Array.from({ length: MAX_MEMBERS }, (_, slot) => slot).find(slot => !slots.has(slot));
    if (free !== undefined) slots.set(free, member);
  }
  return slots;
}

function attachmentAt({ receive }: Parts, member: MemberIndex): Attachment | undefined {
  return Object.values(receive).find(({ ifindex }) => ifindex === member);
}

/** Whoever sends in the old state sends in the new one; `before`: as it was at the beginning. */
function follow(state: LiveState, before: CarriedState | undefined, now: CarriedState | undefined): void {
  if (now?.current === undefined || now.current === before?.current) return;
  const slot = state.slotOf(now.current);
  if (slot !== undefined) state.current = slot;
}

/** Takes over what the old programs did until they went. */
function carry(state: LiveState, found: FoundBond): void {
  if (found.maps === undefined) return;
  const now = readCarried(found.maps.state, found.parts.fields, found.parts.leaseFields);
  if (now === undefined) return;
  follow(state, found.carried, now);
  state.carry(now);
}

/** Links of ours with another map than this: of an exchange that was cut short. */
function removeStrays(hooked: readonly Hooked[], mapId: number): void {
  for (const { kind, linkId, mapIds } of hooked) {
    if (kind === 'clsact' || linkId === 0 || mapIds.includes(mapId)) continue;
    const link = linkFdById(linkId);
    if (link === undefined) continue;
    try {
      detachLink(link);
    } finally {
      closeFd(link);
    }
  }
}
