// One bond on the eBPF data plane: a veth pair whose near end is the bond, programs on the far ("lower") end and on each
// member, and a map shared with them. All of it is pinned: it works on when this process is gone, and is adopted later.
import { mkdirSync, rmSync } from 'node:fs';
import { fromBytes, type ProgramSpec } from '../../ebpf/index.js';
import {
  closeFd,
  deleteLink,
  getLink,
  getPinned,
  pinObject,
  removeTwice,
  RingBuffer,
  type Rtnetlink,
  setLink,
  steerTransmit,
  withHostMounts,
} from '../../linux/index.js';
import { tagRanges } from '../../netlink/index.js';
import type { ForwardingPlan, MemberIndex } from '../../policy/index.js';
import type { BondDataPlane, BondPlaces, Diversion, Loss, NewBond } from '../contract.js';
import { createPair, deletePair, lowerAlias } from '../pair.js';
import { unlessDamaged } from '../parts-note.js';
import { quietly } from '../quietly.js';
import { type Attachment, attachIngress, detach, isAttached, swapProgram } from './attachment.js';
import { LiveState } from './live-state.js';
import { createMaps, EVENTS_BYTES, type LoadedMaps } from './maps.js';
import { type Parts, readParts, type Unfinished, writeParts } from './parts.js';
import { receiveProgram } from './programs.js';
import { publishPlan } from './publish-plan.js';
import { DIVERSION, LAYOUT_VERSION, NO_SLOT, TX_QUEUES } from './shared-state.js';
import type { Toolbox } from './toolbox.js';
import { type TransmitKind, transmitKindOf, transmitProgramOf } from './transmit-kinds.js';

/** What is attached before the first plan: it sends nothing, as there is no member. */
const FIRST_KIND: TransmitKind = 'active-backup';

export class EbpfBond implements BondDataPlane {
  readonly kind = 'ebpf';
  readonly #netlink: Rtnetlink;
  readonly #toolbox: Toolbox;
  readonly #places: BondPlaces;
  readonly #maps: LoadedMaps;
  readonly #state: LiveState;
  readonly #ring: RingBuffer;
  #parts: Parts;
  /** Undefined after adoption: what another process attached is not known, and replaced by the first plan. */
  #attached: TransmitKind | undefined;
  /** By slot: the tags that its receive program leaves, as text, as far as this process set them. */
  readonly #left = new Map<number, string>();
  #closed = false;
  #carrier: boolean | undefined;
  #tell: ((record: Uint8Array) => void) | undefined;

  private constructor(
    netlink: Rtnetlink,
    toolbox: Toolbox,
    places: BondPlaces,
    maps: LoadedMaps,
    parts: Parts,
  ) {
    this.#netlink = netlink;
    this.#toolbox = toolbox;
    this.#places = places;
    this.#maps = maps;
    this.#parts = parts;
    this.#state = new LiveState(maps.state);
    try {
      this.#ring = new RingBuffer(maps.events, EVENTS_BYTES);
    } catch (error) {
      this.#state.close();
      throw error;
    }
  }

  /** Makes the interface pair and its transmit program; nothing is left behind when that fails. */
  static create(netlink: Rtnetlink, toolbox: Toolbox, bond: NewBond): EbpfBond {
    const undo: (() => void)[] = [];
    try {
      const { lowerName } = bond;
      const unfinished: Unfinished = { layoutVersion: LAYOUT_VERSION, lowerName };
      writeParts(bond.partsFile, unfinished);
      undo.push(() => removeTwice(bond.partsFile));
      const pair = createPair(netlink, bond, TX_QUEUES);
      undo.push(() => deleteLink(netlink, bond.name));
      // Where that cannot be, frames are spread over the queues, which means nothing as long as none is tied to a member.
      steerUnchosen(netlink, pair.bondIfindex);
      withHostMounts(() => mkdirSync(bond.pins, { mode: 0o700 }));
      undo.push(() => withHostMounts(() => rmSync(bond.pins, { recursive: true, force: true })));
      const maps = createMaps();
      undo.push(() => closeMaps(maps));
      withHostMounts(() => {
        pinObject(maps.state, `${bond.pins}/state`);
        pinObject(maps.events, `${bond.pins}/events`);
      });
      initialise(maps, pair.lowerIfindex);
      const transmit = attachProgram(
        netlink,
        toolbox,
        maps,
        transmitProgramOf(toolbox.context, FIRST_KIND),
        pair.lowerIfindex,
        `${bond.pins}/transmit`,
        // It goes with the pair and the directory, which are noted.
        () => {},
      );
      const parts: Parts = {
        layoutVersion: LAYOUT_VERSION,
        lowerName,
        ...pair,
        transmit,
        receive: {},
      };
      const made = new EbpfBond(netlink, toolbox, bond, maps, parts);
      made.#attached = FIRST_KIND;
      undo.push(() => {
        made.#release();
        removeTwice(bond.partsFile);
      });
      made.#saveParts(parts);
      return made;
    } catch (error) {
      // Each step by itself: one that fails keeps no other from being done.
      for (const step of undo.toReversed()) quietly(step);
      throw error;
    }
  }

  /** Finds one that another process made; undefined when it is gone or was made by another version. */
  static adopt(netlink: Rtnetlink, toolbox: Toolbox, places: BondPlaces): EbpfBond | undefined {
    const parts = readParts(places.partsFile);
    if (parts?.layoutVersion !== LAYOUT_VERSION || !('transmit' in parts)) return undefined;
    if (getLink(netlink, parts.bondIfindex) === undefined) return undefined;
    const [state, events] = withHostMounts(() => [
      getPinned(`${places.pins}/state`),
      getPinned(`${places.pins}/events`),
    ]);
    if (state === undefined || events === undefined) {
      if (state !== undefined) closeFd(state);
      if (events !== undefined) closeFd(events);
      return undefined;
    }
    let adopted: EbpfBond | undefined;
    try {
      adopted = new EbpfBond(netlink, toolbox, places, { state, events }, parts);
      const intact = withHostMounts(() => isAttached(netlink, parts.transmit));
      if (intact && adopted.#state.version === LAYOUT_VERSION) return adopted;
    } catch (error) {
      if (adopted === undefined) closeMaps({ state, events });
      else adopted.close();
      throw error;
    }
    adopted.close();
    return undefined;
  }

  /** Version of the layout of one that was finished; undefined when there is none. */
  static notedVersion({ partsFile }: BondPlaces): { readonly isOurs: boolean } | undefined {
    const parts = readParts(partsFile);
    if (parts === undefined || !('transmit' in parts)) return undefined;
    return { isOurs: parts.layoutVersion === LAYOUT_VERSION };
  }

  /** Removes what is left of one whose interface is gone or that cannot be adopted. */
  static sweep(netlink: Rtnetlink, places: BondPlaces): void {
    const parts = unlessDamaged(() => readParts(places.partsFile));
    withHostMounts(() => {
      if (parts !== undefined && 'transmit' in parts) {
        for (const attachment of [parts.transmit, ...Object.values(parts.receive)]) {
          detach(netlink, attachment);
        }
      }
      rmSync(places.pins, { recursive: true, force: true });
    });
    if (parts !== undefined) deletePair(netlink, parts.lowerName);
    removeTwice(places.partsFile);
  }

  get bondIfindex(): number {
    return this.#parts.bondIfindex;
  }

  get lowerIfindex(): number {
    return this.#parts.lowerIfindex;
  }

  /** Asked of the kernel each time: it costs little, and /sys may have changed. */
  get queuesProblem(): string | undefined {
    return steerUnchosen(this.#netlink, this.#parts.bondIfindex);
  }

  get checksCarrier(): boolean {
    return this.#toolbox.context.reader !== 'none';
  }

  get detail(): string {
    return `${this.#parts.transmit.kind}, ${this.#toolbox.describeReader()}`;
  }

  addMember(member: MemberIndex): void {
    if (this.#state.slotOf(member) !== undefined) throw new Error(`Interface ${member} is a member already.`);
    const slot = this.#state.freeSlot();
    this.#state.occupy(slot, member);
    const note = (receive: Attachment): void =>
      this.#saveParts({ ...this.#parts, receive: { ...this.#parts.receive, [slot]: receive } });
    try {
      if (!this.#toolbox.learn(this.#maps, slot, member)) this.#state.forgetDevice(slot);
      attachProgram(
        this.#netlink,
        this.#toolbox,
        this.#maps,
        receiveProgram(this.#toolbox.context, slot),
        member,
        `${this.#places.pins}/receive-${slot}`,
        note,
      );
    } catch (error) {
      quietly(() => this.#detachReceive(slot));
      this.#state.vacate(slot);
      throw error;
    }
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
      withHostMounts(() => swapProgram(this.#netlink, fd, attachment));
    } finally {
      closeFd(fd);
    }
    this.#left.set(slot, tags.join());
    note(tags);
  }

  removeMember(member: MemberIndex): void {
    const slot = this.#state.slotOf(member);
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
      if (attachment !== undefined) withHostMounts(() => detach(this.#netlink, attachment));
    } finally {
      this.#saveParts({ ...this.#parts, receive: rest, left });
    }
  }

  /** The next in order is current when `slot` was; the programs look for themselves whether it can send. */
  #leave(slot: number): void {
    if (this.#state.current === slot) this.#state.current = this.#state.order[0] ?? NO_SLOT;
  }

  apply(plan: ForwardingPlan): void {
    const kind = transmitKindOf(plan);
    if (kind !== this.#attached) this.#swapTransmit(kind);
    publishPlan(this.#state, plan, this.checksCarrier);
  }

  /** Another mode or hash policy has another program, which takes over between two frames. */
  #swapTransmit(kind: TransmitKind): void {
    const fd = this.#toolbox.load(transmitProgramOf(this.#toolbox.context, kind), this.#maps);
    try {
      withHostMounts(() => swapProgram(this.#netlink, fd, this.#parts.transmit));
    } finally {
      closeFd(fd);
    }
    this.#attached = kind;
  }

  setCarrier(on: boolean): void {
    if (this.#carrier === on) return;
    setLink(this.#netlink, this.#parts.lowerIfindex, { up: on });
    this.#carrier = on;
  }

  setMtu(mtu: number): void {
    setLink(this.#netlink, this.#parts.lowerIfindex, { mtu });
  }

  renamed(bondName: string): void {
    setLink(this.#netlink, this.#parts.lowerIfindex, { alias: lowerAlias(bondName) });
  }

  current(): MemberIndex | null {
    return this.#memberAt(this.#state.current);
  }

  lastReceivedNs(member: MemberIndex): bigint | null {
    const slot = this.#state.slotOf(member);
    const at = slot === undefined ? 0n : this.#state.receivedNs(slot);
    return at === 0n ? null : at;
  }

  members(): readonly MemberIndex[] {
    return this.#state.members();
  }

  takeLoss(): Loss {
    return this.#state.takeLoss();
  }

  droppedTotal(): number {
    return this.#state.drops;
  }

  onDiverted(callback: (diversion: Diversion) => void): void {
    this.#tell = record => {
      const { fromSlot, toSlot, atNs } = fromBytes(DIVERSION, record);
      const to = this.#memberAt(toSlot);
      if (to !== null) callback({ from: this.#memberAt(fromSlot), to, atNs });
    };
    this.#ring.watch(this.#tell);
  }

  pollDiversions(): void {
    if (this.#tell !== undefined) this.#ring.consume(this.#tell);
  }

  close(): void {
    if (this.#closed) return;
    this.#release();
    closeMaps(this.#maps);
  }

  destroy(): void {
    const steps = [
      ...this.members().map(member => () => this.removeMember(member)),
      () => this.close(),
      () => withHostMounts(() => detach(this.#netlink, this.#parts.transmit)),
      () => withHostMounts(() => rmSync(this.#places.pins, { recursive: true, force: true })),
      () => deletePair(this.#netlink, this.#parts.lowerName),
      () => removeTwice(this.#places.partsFile),
    ];
    // As much as can be is taken down; the first failure is told afterwards.
    const failures = steps.map(quietly).filter(failure => failure !== undefined);
    if (failures.length > 0) throw failures[0];
  }

  /** Gives the memory back; the maps stay open. */
  #release(): void {
    this.#closed = true;
    this.#ring.close();
    this.#state.close();
  }

  #memberAt(slot: number): MemberIndex | null {
    const ifindex = this.#state.memberAt(slot);
    return ifindex === 0 ? null : ifindex;
  }

  #saveParts(parts: Parts): void {
    this.#parts = parts;
    writeParts(this.#places.partsFile, parts);
  }
}

/** Frames that nobody gave a queue go into queue 0, which is tied to no member. Gives why that cannot be, as a clause. */
function steerUnchosen(netlink: Rtnetlink, bondIfindex: number): string | undefined {
  try {
    steerTransmit(getLink(netlink, bondIfindex)?.name ?? '', 0);
    return undefined;
  } catch (error) {
    return `frames cannot be kept out of the other queues (${error instanceof Error ? error.message : String(error)})`;
  }
}

function initialise(maps: LoadedMaps, lowerIfindex: number): void {
  const state = new LiveState(maps.state);
  state.initialise(lowerIfindex);
  state.close();
}

function attachProgram(
  netlink: Rtnetlink,
  toolbox: Toolbox,
  maps: LoadedMaps,
  program: ProgramSpec,
  ifindex: number,
  pin: string,
  note: (attachment: Attachment) => void,
): Attachment {
  const fd = toolbox.load(program, maps);
  try {
    return withHostMounts(() => attachIngress(netlink, fd, ifindex, pin, note, toolbox.attach));
  } finally {
    closeFd(fd);
  }
}

function closeMaps(maps: LoadedMaps): void {
  closeFd(maps.state);
  closeFd(maps.events);
}
