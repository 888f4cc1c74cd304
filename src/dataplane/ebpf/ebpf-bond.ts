// One bond on the eBPF data plane: a veth pair whose near end is the bond, programs on the far ("lower") end and on each
// member, and a map shared with them. All of it is pinned: it works on when this process is gone, and is adopted later.
import { dirname } from 'node:path';
import { equalValues } from '../../base/index.js';
import { fromBytes, type ProgramSpec } from '../../ebpf/index.js';
import { closeFd, removeTwice, RingBuffer, type Rtnetlink } from '../../linux/index.js';
import { tagRanges } from '../../netlink/index.js';
import type { ForwardingPlan, MemberIndex } from '../../policy/index.js';
import type { BondDataPlane, BondPlaces, Diversion, KnownBond, NewBond } from '../contract.js';
import { Pair, type PairKind } from '../pair.js';
import { PairedBond } from '../paired-bond.js';
import { unlessDamaged } from '../parts-note.js';
import { allOrNothing, doAll, firstThatWorks, quietly } from '../quietly.js';
import {
  attachedTag,
  type Attachment,
  attachProgram,
  type AttachWish,
  detach,
  type Hooks,
  keepPinned,
  swapProgram,
} from './attachment.js';
import { exchange } from './exchange.js';
import { BondLeases } from './bond-leases.js';
import { BondMetronome } from './bond-metronome.js';
import { HeldLinks } from './held-links.js';
import { staying } from './staying.js';
import {
  attachKindFor,
  type EbpfSurroundings,
  EVENTS_PIN,
  findBond,
  pairKindsFor,
  receivePin,
  STATE_PIN,
  transmitWish,
} from './find-bond.js';
import { canLease } from './lease-program.js';
import { LiveState } from './live-state.js';
import { closeMaps, createMaps, EVENTS_BYTES, type LoadedMaps } from './maps.js';
import { metronomeOf, removeMetronome } from './metronome.js';
import { notedWith, type Parts, readParts, renewParts, type Unfinished, writeParts } from './parts.js';
import { Pins, type PinStore } from './pins.js';
import { receiveProgram } from './programs.js';
import { publishPlan } from './publish-plan.js';
import { DIVERSION, LAYOUT_VERSION, NO_SLOT, TX_QUEUES } from './shared-state.js';
import { steerUnchosen } from './steering.js';
import type { Toolbox } from './toolbox.js';
import { type TransmitKind, transmitKindOf, transmitProgramOf } from './transmit-kinds.js';

/** What is attached before the first plan: it sends nothing, as there is no member. */
const FIRST_KIND: TransmitKind = { mode: 'active-backup' };

export class EbpfBond extends PairedBond implements BondDataPlane {
  readonly kind = 'ebpf';
  readonly #by: EbpfSurroundings;
  readonly #netlink: Rtnetlink;
  readonly #toolbox: Toolbox;
  readonly #places: BondPlaces;
  readonly #pins: Pins;
  readonly #maps: LoadedMaps;
  readonly #state: LiveState;
  readonly #ring: RingBuffer;
  #parts: Parts;
  /** Undefined after adoption: what another process attached is looked at, and replaced where it is not what the first plan wants. */
  #attached: TransmitKind | undefined;
  /** By slot: the tags that its receive program leaves, as text, as far as this process set them. */
  readonly #left = new Map<number, string>();
  readonly #held: HeldLinks;
  #tell: ((record: Uint8Array) => void) | undefined;
  renewed: string | undefined;
  readonly leases: BondLeases | undefined;

  private constructor(by: EbpfSurroundings, places: BondPlaces, pair: Pair, maps: LoadedMaps, parts: Parts) {
    const state = new LiveState(maps.state);
    super(pair, state);
    this.#state = state;
    this.#by = by;
    this.#netlink = by.netlink;
    this.#toolbox = by.toolbox;
    this.#places = places;
    this.#pins = new Pins(by.store, places);
    this.#maps = maps;
    this.#parts = parts;
    this.#held = new HeldLinks(() => this.#hooks);
    if (canLease(by.toolbox.context)) this.leases = new BondLeases(by.netlink, state, this.#metronome());
    try {
      this.#ring = new RingBuffer(maps.events, EVENTS_BYTES);
    } catch (error) {
      state.close();
      throw error;
    }
  }

  /** Makes the interface pair, of the best kind that works here, and its transmit program; nothing is left behind when that fails. */
  static create(by: EbpfSurroundings, bond: NewBond): EbpfBond {
    const kinds = pairKindsFor(by, new Pins(by.store, bond));
    return firstThatWorks(kinds.map(kind => () => EbpfBond.#make(by, bond, kind)));
  }

  static #make(by: EbpfSurroundings, bond: NewBond, pairKind: PairKind): EbpfBond {
    const { netlink, toolbox } = by;
    return allOrNothing(undo => {
      const { lowerName } = bond;
      const unfinished: Unfinished = { layoutVersion: LAYOUT_VERSION, lowerName };
      undo.push(() => removeTwice(bond.partsFile));
      writeParts(bond.partsFile, unfinished);
      const pair = Pair.create(netlink, bond, pairKind, TX_QUEUES);
      undo.push(() => pair.destroy());
      // Where that cannot be, frames are spread over the queues, which means nothing as long as none is tied to a member.
      steerUnchosen(netlink, pair.bondIfindex);
      const pins = new Pins(by.store, bond);
      undo.push(() => pins.removeAll());
      pins.make();
      const maps = createMaps();
      undo.push(() => closeMaps(maps));
      pins.pin(maps.state, STATE_PIN);
      pins.pin(maps.events, EVENTS_PIN);
      initialise(maps, pair.lowerIfindex);
      const program = toolbox.load(transmitProgramOf(toolbox.context, FIRST_KIND), maps);
      let transmit: Attachment;
      try {
        const wish = transmitWish(pair, attachKindFor(by, pins));
        // It goes with the pair and the directory, which are noted.
        transmit = attachProgram({ netlink, pins }, program, wish, () => {});
      } finally {
        closeFd(program);
      }
      const { bondIfindex, lowerIfindex } = pair;
      const whole = { lowerName, bondIfindex, lowerIfindex, transmit, receive: {} };
      const parts = notedWith(maps, whole, pins);
      const made = new EbpfBond(by, bond, pair, maps, parts);
      made.#attached = FIRST_KIND;
      undo.push(...made.#memory());
      made.#saveParts(parts);
      made.#held.hold(transmit);
      return made;
    });
  }

  /**
   * Goes on with one that another process made; undefined when its interface is gone, or it is none of this data plane. What is of
   * another version, missing or damaged is made anew and exchanged. Throws when that cannot be: then it is left as it is.
   */
  static adopt(by: EbpfSurroundings, places: BondPlaces, known: KnownBond): EbpfBond | undefined {
    const found = findBond(by, places, known);
    if (found === undefined) return undefined;
    if (found.trouble === undefined && found.maps !== undefined)
      return EbpfBond.#open(by, places, found.pair, found.maps, found.parts);
    try {
      const { maps, parts } = exchange(by, places, known, found);
      const adopted = EbpfBond.#open(by, places, found.pair, maps, parts);
      adopted.#attached = transmitKindOf(known.plan);
      adopted.renewed = found.trouble;
      return adopted;
    } finally {
      if (found.maps !== undefined) closeMaps(found.maps);
    }
  }

  static #open(
    by: EbpfSurroundings,
    places: BondPlaces,
    pair: Pair,
    maps: LoadedMaps,
    parts: Parts,
  ): EbpfBond {
    let adopted: EbpfBond;
    try {
      adopted = new EbpfBond(by, places, pair, maps, parts);
    } catch (error) {
      closeMaps(maps);
      throw error;
    }
    adopted.#keepPinned();
    // Where nothing can be written, the note that is there still leads the next daemon to all of it.
    quietly(() => {
      adopted.#parts = notedWith(maps, parts, adopted.#pins);
      renewParts(places.partsFile, adopted.#parts);
    });
    return adopted;
  }

  /** Pins what is not pinned here; what fails is no worse than before. */
  #keepPinned(): void {
    const { state, events } = this.#maps;
    if (!this.#pins.has(STATE_PIN)) quietly(() => this.#pins.pin(state, STATE_PIN));
    if (!this.#pins.has(EVENTS_PIN)) quietly(() => this.#pins.pin(events, EVENTS_PIN));
    for (const attachment of this.#attachments()) {
      quietly(() => keepPinned(this.#hooks, attachment));
      this.#held.hold(attachment);
    }
  }

  /** True when one was finished; undefined when there is no note of it, or none of this data plane. */
  static isNoted({ partsFile }: BondPlaces): boolean {
    const parts = unlessDamaged(() => readParts(partsFile));
    return parts !== undefined && 'transmit' in parts;
  }

  /** Removes what is left of one whose interface is gone, or that was never finished. */
  static sweep({ netlink, store }: { netlink: Rtnetlink; store: PinStore }, places: BondPlaces): void {
    const parts = unlessDamaged(() => readParts(places.partsFile));
    const pins = new Pins(store, places);
    if (parts !== undefined && 'transmit' in parts) {
      const hooks: Hooks = { netlink, pins, mapId: parts.maps?.state };
      for (const attachment of [parts.transmit, ...Object.values(parts.receive)]) detach(hooks, attachment);
    }
    pins.removeAll();
    if (parts !== undefined) removeMetronome(netlink, metronomeOf(parts.lowerName));
    if (parts !== undefined) Pair.sweep(netlink, parts.lowerName);
    removeTwice(places.partsFile);
  }

  /** What packets need ends with the daemon where links are held by pins that do. */
  get lifetimeProblem(): string | undefined {
    const isHeld = this.#attachments().some(({ kind }) => kind !== 'clsact');
    if (!isHeld || this.#pins.last()) return undefined;
    return `its programs are held by pins in ${dirname(this.#places.pins)}, which is mounted for this daemon alone`;
  }

  /** Asked of the kernel each time: it costs little, and /sys may have changed. */
  get queuesProblem(): string | undefined {
    return steerUnchosen(this.#netlink, this.bondIfindex);
  }

  get checksCarrier(): boolean {
    return this.#toolbox.context.reader !== 'none';
  }

  get detail(): string {
    const { kind } = this.#parts.transmit;
    const how = kind === this.pair.kind || this.pair.kind === 'veth' ? kind : `${this.pair.kind} by ${kind}`;
    const speaks = this.leases?.problem === undefined ? '' : ', LACP without a daemon by answers alone';
    return `${how}, ${this.#toolbox.describeReader()}${speaks}`;
  }

  addMember(member: MemberIndex): void {
    if (this.#state.slotOf(member) !== undefined) throw new Error(`Interface ${member} is a member already.`);
    const slot = this.#state.freeSlot();
    this.#state.occupy(slot, member);
    const wish = { ifindex: member, pin: receivePin(slot), ...this.#ingressWish };
    const note = (receive: Attachment): void =>
      this.#saveParts({ ...this.#parts, receive: { ...this.#parts.receive, [slot]: receive } });
    let program: number | undefined;
    try {
      this.#state.setDevice(slot, this.#toolbox.learn(member));
      program = this.#toolbox.load(receiveProgram(this.#toolbox.context, slot), this.#maps);
      this.#held.hold(attachProgram(this.#hooks, program, wish, note));
    } catch (error) {
      quietly(() => this.#detachReceive(slot));
      this.#state.vacate(slot);
      throw error;
    } finally {
      if (program !== undefined) closeFd(program);
    }
  }

  /** Programs at ingresses are attached as that of the lower end is. */
  get #ingressWish(): Pick<AttachWish, 'kind'> {
    const { kind: own } = this.#parts.transmit;
    const kind = attachKindFor(this.#by, this.#pins) ?? (own === 'netkit' ? undefined : own);
    return kind === undefined ? {} : { kind };
  }

  leaveTagged(member: MemberIndex, tags: readonly number[]): void {
    const slot = this.#state.slotOf(member);
    if (slot === undefined) return;
    const attachment = this.#parts.receive[slot];
    const noted = this.#parts.left?.[slot] ?? [];
    const known = this.#left.get(slot) ?? (noted.length === 0 ? '' : undefined);
    if (attachment === undefined || known === tags.join()) return;
    const note = (left: readonly number[]): void =>
      this.#saveParts({ ...this.#parts, left: { ...this.#parts.left, [slot]: left } });
    note([...new Set([...noted, ...tags])]);
    const spec = receiveProgram(this.#toolbox.context, slot, tagRanges(tags));
    const fd = this.#toolbox.load(spec, this.#maps);
    try {
      swapProgram(this.#hooks, fd, attachment);
    } finally {
      closeFd(fd);
    }
    this.#left.set(slot, tags.join());
    note(tags);
  }

  removeMember(member: MemberIndex): void {
    const slot = this.#state.slotOf(member) ?? this.#slotNoted(member);
    if (slot === undefined) return;
    this.#state.withdraw(slot);
    this.#leave(slot);
    try {
      this.#detachReceive(slot);
    } finally {
      this.#state.vacate(slot);
      // A program that read the order before may have chosen it since.
      this.#leave(slot);
    }
  }

  /** The note goes last. */
  #detachReceive(slot: number): void {
    const { [slot]: attachment, ...rest } = this.#parts.receive;
    const { [slot]: _, ...left } = this.#parts.left ?? {};
    this.#left.delete(slot);
    try {
      if (attachment !== undefined) detach(this.#hooks, attachment);
      if (attachment !== undefined) this.#held.letGo(attachment);
    } finally {
      this.#saveParts({ ...this.#parts, receive: rest, left });
    }
  }

  /** Of a member that left while the daemon was killed. */
  #slotNoted(member: MemberIndex): number | undefined {
    const [slot] = Object.entries(this.#parts.receive).find(([, { ifindex }]) => ifindex === member) ?? [];
    return slot === undefined ? undefined : Number(slot);
  }

  /** The next in order is current when `slot` was; the programs look for themselves whether it can send. */
  #leave(slot: number): void {
    if (this.#state.current === slot) this.#state.current = this.#state.order[0] ?? NO_SLOT;
  }

  apply(plan: ForwardingPlan): void {
    const kind = transmitKindOf(plan);
    if (this.#attached === undefined && this.#isThere(kind)) this.#attached = kind;
    if (!equalValues(kind, this.#attached)) this.#swapTransmit(kind);
    publishPlan(this.#state, plan, this.checksCarrier);
  }

  /** A redirected frame goes by the qdisc of its member, whichever that is. */
  qdiscsChanged(): void {}

  /** True when what an earlier process attached is, instruction for instruction, what is wanted. */
  #isThere(kind: TransmitKind): boolean {
    const attached = attachedTag(this.#hooks, this.#parts.transmit);
    const program = (): ProgramSpec => transmitProgramOf(this.#toolbox.context, kind);
    return (
      attached !== undefined &&
      attached === this.#toolbox.tagOf(Object.values(kind).join(' '), program, this.#maps)
    );
  }

  /** Another mode or hash policy has another program, which takes over between two frames. */
  #swapTransmit(kind: TransmitKind): void {
    const fd = this.#toolbox.load(transmitProgramOf(this.#toolbox.context, kind), this.#maps);
    try {
      swapProgram(this.#hooks, fd, this.#parts.transmit);
    } finally {
      closeFd(fd);
    }
    this.#attached = kind;
  }

  onDiverted(callback: (diversion: Diversion) => void): void {
    this.#tell = record => {
      const { fromSlot, toSlot, atNs } = fromBytes(DIVERSION, record);
      const to = this.memberAt(toSlot);
      if (to !== null) callback({ from: this.memberAt(fromSlot), to, atNs });
    };
    this.#ring.watch(this.#tell);
  }

  pollDiversions(): void {
    if (this.#tell !== undefined) this.#ring.consume(this.#tell);
  }

  noteAgain(): void {
    this.#keepPinned();
    this.#saveParts(notedWith(this.#maps, this.#parts, this.#pins));
  }

  /** Links that would end with us are exchanged for filters, which stay by themselves. */
  protected outlive(): void {
    if (this.lifetimeProblem === undefined || this.#toolbox.attach === 'tcx') return;
    this.#saveParts(staying(this.#hooks, this.#parts));
  }

  protected giveBack(): readonly (() => unknown)[] {
    return [...this.#memory(), () => closeMaps(this.#maps)];
  }

  protected remains(): readonly (() => void)[] {
    return [
      () => doAll(this.#attachments().map(attachment => () => detach(this.#hooks, attachment))),
      () => removeMetronome(this.#netlink, metronomeOf(this.pair.lowerName)),
      () => this.#pins.removeAll(),
      () => this.pair.destroy(),
      () => removeTwice(this.#places.partsFile),
    ];
  }

  /** Steps that give the memory back; the maps stay open. */
  #memory(): readonly (() => void)[] {
    return [() => this.#held.close(), () => this.#ring.close(), () => this.#state.close()];
  }

  #metronome(): BondMetronome {
    return new BondMetronome({
      lowerName: this.pair.lowerName,
      context: this.#toolbox.context,
      hooks: () => this.#hooks,
      load: program => this.#toolbox.load(program, this.#maps),
      wish: () => this.#ingressWish,
      noted: () => this.#parts.metronome,
      note: metronome => this.#saveParts({ ...this.#parts, metronome }),
      hold: attachment => this.#held.hold(attachment),
    });
  }

  get #hooks(): Hooks {
    return { netlink: this.#netlink, pins: this.#pins, mapId: this.#stateId };
  }

  get #stateId(): number | undefined {
    return this.#parts.maps?.state;
  }

  #attachments(): readonly Attachment[] {
    const { transmit, receive, metronome } = this.#parts;
    const clock = metronome?.attachment;
    return [transmit, ...Object.values(receive), ...(clock === undefined ? [] : [clock])];
  }

  #saveParts(parts: Parts): void {
    this.#parts = parts;
    writeParts(this.#places.partsFile, parts);
  }
}

function initialise(maps: LoadedMaps, lowerIfindex: number): void {
  const state = new LiveState(maps.state);
  state.initialise(lowerIfindex);
  state.close();
}
