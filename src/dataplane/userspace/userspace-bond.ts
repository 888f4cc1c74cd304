// One bond on the user-space data plane: a veth pair whose near end is the bond, a packet ring on the far end and on each
// member, and a worker between them. The pair stays when this process goes, and is taken over by the next.
import {
  leaveTagged,
  type MappedMemory,
  type PacketRing,
  type Rtnetlink,
  takeRingDrops,
} from '../../linux/index.js';
import { tagRanges } from '../../netlink/index.js';
import type { ForwardingPlan, MemberIndex } from '../../policy/index.js';
import type { BondDataPlane, BondPlaces, Diversion, KnownBond, NewBond } from '../contract.js';
import { Pair } from '../pair.js';
import { PairedBond } from '../paired-bond.js';
import { unlessDamaged } from '../parts-note.js';
import { allOrNothing, quietly } from '../quietly.js';
import { forwarder } from './forwarder.js';
import type { SocketKeeper } from './socket-keeper.js';
import { NO_MEMBER, SharedState, USERSPACE_VERSION } from './shared-state.js';
import { MOST_BLOCKS } from './ring-reader.js';
import {
  mapState,
  mapWords,
  type Parts,
  readUserspaceParts,
  removeFiles,
  removeStateFile,
  stateFile,
  type Unfinished,
  writeWhole,
} from './parts-file.js';
import { rebuild } from './rebuild.js';
import {
  memberPlaceOf,
  openRing,
  openSender,
  placeOf,
  ringName,
  type Sockets,
  shutRing,
  shutSender,
} from './rings.js';
import { leaveToHost, type Silence, silence, unsilence } from './silence.js';
import { hasQdiscOfPeople, slotPlanOf } from './slot-plan.js';
import { switchOffUnsayable } from './unsayable.js';

/** Blocks of 4 MiB (63 frames each): what may wait while the worker does not run. */
const HOST_BLOCKS = MOST_BLOCKS;
const MEMBER_BLOCKS = 8;
const MEMBER_BLOCKS_OF_MANY = 2;
const MANY = 8;

/** What a bond works with. */
interface Surroundings {
  readonly netlink: Rtnetlink;
  readonly keeper: SocketKeeper;
}

export class UserspaceBond extends PairedBond implements BondDataPlane {
  readonly kind = 'userspace';
  /** Who supervises the daemon has the next one there before a partner misses a LACPDU. */
  readonly leases = undefined;
  readonly checksCarrier = true;
  /** The daemon forwards; what that means is told where it is asked for, as it depends on a supervisor. */
  readonly lifetimeProblem = undefined;
  renewed: string | undefined;
  readonly queuesProblem = 'a packet socket does not tell the queue of a frame';
  readonly #netlink: Rtnetlink;
  readonly #places: BondPlaces;
  readonly #keeper: SocketKeeper;
  readonly #memory: MappedMemory;
  readonly #state: SharedState;
  readonly #host: PacketRing;
  readonly #sockets = new Map<number, Sockets>();
  /** Slots whose sockets a late worker holds still: it would send by them for the next member. */
  readonly #held = new Set<number>();
  /** Of the forwarder; undefined before the bond is carried. */
  #number: number | undefined;
  /** By slot: the VLAN tags that are left to devices on the member, as text, as far as this process set them. */
  readonly #left = new Map<number, string>();
  #parts: Parts;
  /** The last one that was applied here. */
  #plan: ForwardingPlan | undefined;
  #tell: ((diversion: Diversion) => void) | undefined;
  /** Told before anybody listened. */
  #waiting: Diversion[] = [];
  #ringDrops = 0;

  private constructor(by: Surroundings, places: BondPlaces, pair: Pair, parts: Parts, memory: MappedMemory) {
    const state = new SharedState(memory.buffer);
    super(pair, state);
    this.#state = state;
    this.#netlink = by.netlink;
    this.#keeper = by.keeper;
    this.#places = places;
    this.#parts = parts;
    this.#memory = memory;
    const { ring, isKept } = openRing(
      this.#keeper,
      ringName(parts.lowerName, 'host'),
      parts.lowerIfindex,
      HOST_BLOCKS,
    );
    this.#host = ring;
    if (!isKept) this.#state.beginRing(undefined);
  }

  /** Has the worker carry its packets from now on. */
  #start(): void {
    const members = new Map(
      Array.from(this.#sockets, ([slot, sockets]) => {
        return [slot, { ifindex: this.#state.memberAt(slot), place: memberPlaceOf(sockets) }];
      }),
    );
    this.#number = forwarder.addBond(
      this.#memory.address,
      placeOf(this.#host),
      members,
      ({ from, to, atNs }) => {
        const toMember = this.memberAt(to);
        if (toMember === null) return;
        const diversion = { from: this.memberAt(from), to: toMember, atNs };
        if (this.#tell === undefined) this.#waiting.push(diversion);
        else this.#tell(diversion);
      },
    );
  }

  /** Makes the interface pair and starts to carry its packets; nothing is left behind when that fails. */
  static create(by: Surroundings, bond: NewBond): UserspaceBond {
    const { netlink } = by;
    return allOrNothing(undo => {
      const { name, lowerName } = bond;
      const unfinished: Unfinished = { kind: 'userspace', version: USERSPACE_VERSION, lowerName };
      undo.push(() => removeFiles(bond));
      writeWhole(bond.partsFile, unfinished);
      const pair = Pair.create(netlink, bond, 'veth');
      undo.push(() => pair.destroy());
      switchOffUnsayable(name);
      const { bondIfindex, lowerIfindex } = pair;
      // Its note is that of the pair, with which it goes.
      const lowerSilence = silence(netlink, lowerIfindex, () => {});
      const parts: Parts = { ...unfinished, bondIfindex, lowerIfindex, silenced: {}, lowerSilence };
      const memory = mapState(stateFile(bond), true);
      undo.push(() => memory.unmap());
      new SharedState(memory.buffer).initialise();
      const made = new UserspaceBond(by, bond, pair, parts, memory);
      undo.pop();
      undo.push(() => made.close());
      made.#start();
      made.#saveParts(parts);
      return made;
    });
  }

  /** True when there is a note of one, of any version. */
  static isNoted({ partsFile }: BondPlaces): boolean {
    return unlessDamaged(() => readUserspaceParts(partsFile)) !== undefined;
  }

  /** True when the ring of one was given in keeping. */
  static isKept(keeper: SocketKeeper, places: BondPlaces): boolean {
    const parts = unlessDamaged(() => readUserspaceParts(places.partsFile));
    return parts !== undefined && keeper.has(ringName(parts.lowerName, 'host'));
  }

  /** Goes on with one of which the files were of another version, gone or damaged. Throws when that cannot be. */
  static rebuild(by: Surroundings, places: BondPlaces, known: KnownBond): UserspaceBond {
    const why = rebuild(by, places, known);
    const adopted = UserspaceBond.adopt(by, places);
    if (adopted === undefined) throw new Error(`${known.lowerName} is not what it was`);
    adopted.renewed = why;
    return adopted;
  }

  /** Goes on with one that an earlier process made; undefined when it is gone or was made by another version. */
  static adopt(by: Surroundings, places: BondPlaces): UserspaceBond | undefined {
    const { netlink } = by;
    const parts = unlessDamaged(() => readUserspaceParts(places.partsFile));
    if (parts?.version !== USERSPACE_VERSION || !('lowerIfindex' in parts)) return undefined;
    const pair = Pair.takeOver(netlink, places, parts);
    if (pair === undefined) return undefined;
    const memory = mapWords(places, parts);
    let adopted: UserspaceBond;
    try {
      adopted = new UserspaceBond(by, places, pair, parts, memory);
    } catch (error) {
      memory.unmap();
      throw error;
    }
    for (const member of adopted.members()) {
      // One whose interface is gone stays in the list until it is taken out.
      const slot = adopted.#state.slotOf(member);
      if (slot !== undefined) quietly(() => adopted.#open(slot, member));
    }
    try {
      adopted.#start();
    } catch (error) {
      adopted.close();
      throw error;
    }
    return adopted;
  }

  /** Removes what is left of one whose interface is gone or that cannot be adopted. */
  static sweep(netlink: Rtnetlink, places: BondPlaces): void {
    const parts = unlessDamaged(() => readUserspaceParts(places.partsFile));
    // A note of the eBPF data plane's is that one's to sweep by.
    if (parts === undefined) {
      removeStateFile(places);
      return;
    }
    if ('silenced' in parts) {
      for (const silenced of Object.values(parts.silenced)) quietly(() => unsilence(netlink, silenced));
    }
    Pair.sweep(netlink, parts.lowerName);
    removeFiles(places);
  }

  get detail(): string {
    const counted = [
      [this.#takeRingDrops(), 'found a ring full'],
      [this.#state.fault('busy'), 'found a member busy'],
      [this.#state.fault('unsendable'), 'could not be sent as they were'],
      [this.#state.fault('undelivered'), 'were not taken by the host'],
    ] as const;
    const lost = counted.filter(([count]) => count > 0).map(([count, what]) => `${count} frames ${what}`);
    return ['packet rings, carrier read on every packet', ...lost].join('; ');
  }

  addMember(member: MemberIndex): void {
    if (this.#state.slotOf(member) !== undefined) throw new Error(`Interface ${member} is a member already.`);
    const slot = this.#state.freeSlot(this.#held);
    const note = (silenced: Silence): void =>
      this.#saveParts({ ...this.#parts, silenced: { ...this.#parts.silenced, [slot]: silenced } });
    // Each step can be found and undone by the next daemon: a slot that is taken, then the note, then what it is about.
    this.#state.occupy(slot, member);
    try {
      silence(this.#netlink, member, note);
      this.#open(slot, member);
    } catch (error) {
      quietly(() => this.#unsilence(slot));
      this.#state.occupy(slot, 0);
      throw error;
    }
  }

  leaveTagged(member: MemberIndex, tags: readonly number[]): void {
    const slot = this.#state.slotOf(member);
    const sockets = slot === undefined ? undefined : this.#sockets.get(slot);
    const silenced = slot === undefined ? undefined : this.#parts.silenced[slot];
    if (slot === undefined || sockets === undefined || silenced === undefined) return;
    if (this.#left.get(slot) === tags.join()) return;
    const ranges = tagRanges(tags);
    // The ring first: a frame that both would take comes in twice.
    leaveTagged(sockets.ring.fd, ranges);
    leaveToHost(this.#netlink, silenced, ranges);
    this.#left.set(slot, tags.join());
  }

  removeMember(member: MemberIndex): void {
    const slot = this.#state.slotOf(member);
    if (slot === undefined) return;
    const plan = this.#state.plan();
    const order = plan.order.filter(other => other !== slot);
    const { current } = this.#state;
    // Nothing of it is taken in either: its worker may be late.
    const acceptAlways = plan.acceptAlways.map((accepts, other) => accepts && other !== slot);
    this.#state.publish(
      { ...plan, order, acceptAlways },
      current === slot ? (order[0] ?? NO_MEMBER) : current,
    );
    this.#shut(slot);
    // A batch that was under way may have chosen it since.
    if (this.#state.current === slot) this.#state.current = order[0] ?? NO_MEMBER;
    try {
      this.#unsilence(slot);
    } finally {
      this.#state.occupy(slot, 0);
    }
  }

  /** The note goes last. */
  #unsilence(slot: number): void {
    this.#left.delete(slot);
    const { [slot]: silenced, ...rest } = this.#parts.silenced;
    try {
      if (silenced !== undefined) unsilence(this.#netlink, silenced);
    } finally {
      this.#saveParts({ ...this.#parts, silenced: rest });
    }
  }

  apply(plan: ForwardingPlan): void {
    this.#plan = plan;
    const { slots, active } = slotPlanOf(plan, this.#state, member =>
      hasQdiscOfPeople(this.#netlink, member),
    );
    this.#state.publish(slots, active);
  }

  /** Frames go past a qdisc that nobody asked for. */
  qdiscsChanged(): void {
    if (this.#plan !== undefined) this.apply(this.#plan);
  }

  onDiverted(callback: (diversion: Diversion) => void): void {
    this.#tell = callback;
    for (const diversion of this.#waiting.splice(0)) callback(diversion);
  }

  pollDiversions(): void {
    forwarder.poll();
  }

  noteAgain(): void {
    this.#saveParts(this.#parts);
  }

  /** The daemon forwards; without it nobody does. */
  protected outlive(): void {}

  protected giveBack(): readonly (() => unknown)[] {
    return [
      ...Array.from(this.#sockets.keys(), slot => () => this.#shut(slot)),
      () => this.#countDrops(this.#host.fd),
      () => this.#state.leave(),
      () => this.#shutHost(),
    ];
  }

  /** Nobody forwards for it any more: its memory is given back when the worker has let go of it. */
  #shutHost(): void {
    const shut = shutRing(this.#keeper, ringName(this.#parts.lowerName, 'host'), this.#host);
    const unmap = (): void => {
      shut();
      this.#memory.unmap();
    };
    if (this.#number === undefined) unmap();
    else forwarder.removeBond(this.#number, unmap);
  }

  protected remains(): readonly (() => void)[] {
    return [() => UserspaceBond.sweep(this.#netlink, this.#places)];
  }

  #open(slot: number, member: MemberIndex): void {
    const many = this.members().length > MANY;
    const name = ringName(this.#parts.lowerName, slot);
    const { ring, isKept } = openRing(
      this.#keeper,
      name,
      member,
      many ? MEMBER_BLOCKS_OF_MANY : MEMBER_BLOCKS,
    );
    let direct = -1;
    try {
      direct = openSender(this.#keeper, name, member);
      if (!isKept) this.#state.beginRing(slot);
    } catch (error) {
      shutRing(this.#keeper, name, ring)();
      if (direct >= 0) shutSender(this.#keeper, name, direct)();
      throw error;
    }
    this.#sockets.set(slot, { ring, direct });
    if (this.#number !== undefined)
      forwarder.addMember(this.#number, slot, member, memberPlaceOf({ ring, direct }));
  }

  /** Closes a member's sockets, once the worker has let go of them. */
  #shut(slot: number): void {
    const sockets = this.#sockets.get(slot);
    if (sockets === undefined) return;
    this.#sockets.delete(slot);
    // A count that cannot be read keeps no worker at a ring.
    quietly(() => this.#countDrops(sockets.ring.fd));
    const name = ringName(this.#parts.lowerName, slot);
    const steps = [
      shutRing(this.#keeper, name, sockets.ring),
      shutSender(this.#keeper, name, sockets.direct),
      () => this.#held.delete(slot),
    ];
    this.#held.add(slot);
    const giveBack = (): void => void steps.map(quietly);
    if (this.#number === undefined) giveBack();
    else forwarder.removeMember(this.#number, slot, giveBack);
  }

  #takeRingDrops(): number {
    if (this.isClosed) return this.#ringDrops;
    const fds = [this.#host.fd, ...Array.from(this.#sockets.values(), ({ ring }) => ring.fd)];
    for (const fd of fds) this.#countDrops(fd);
    return this.#ringDrops;
  }

  #countDrops(fd: number): void {
    this.#ringDrops += takeRingDrops(fd);
  }

  #saveParts(parts: Parts): void {
    this.#parts = parts;
    writeWhole(this.#places.partsFile, parts);
  }
}
