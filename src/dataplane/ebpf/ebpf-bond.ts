// One bond on the eBPF data plane: a veth pair whose near end is the bond, programs on the far ("lower") end and on each
// member, and a map shared with them. All of it is pinned: it works on when this process is gone, and is adopted later.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type FieldsOf, fromBytes, over, type ProgramSpec, type StructAccessor } from '../../ebpf/index.js';
import {
  closeFd,
  createVeth,
  deleteLink,
  getLink,
  getPinned,
  type MappedMemory,
  mmapArray,
  pinObject,
  progTestRun,
  RingBuffer,
  type Rtnetlink,
  setLink,
  withHostMounts,
  writeSysctl,
} from '../../linux/index.js';
import type { ForwardingPlan, MemberIndex } from '../../policy/index.js';
import type { BondDataPlane, Diversion, Loss } from '../contract.js';
import { type Attachment, attachIngress, detach, isAttached } from './attachment.js';
import { createMaps, EVENTS_BYTES, type LoadedMaps } from './maps.js';
import { LEARNED, learnProgram, receiveProgram, transmitProgram } from './programs.js';
import {
  DIVERSION,
  LAYOUT_VERSION,
  MAX_MEMBERS,
  MEMBER_FLAGS,
  NO_SLOT,
  SHARED,
  SHARED_FLAGS,
} from './shared-state.js';
import type { Toolbox } from './toolbox.js';

/** What a bond is made of; plain JSON, so that another process can find it. */
interface Parts {
  readonly layoutVersion: number;
  readonly lowerName: string;
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  readonly transmit: Attachment;
  /** By slot. */
  readonly receive: Readonly<Record<string, Attachment>>;
}

/** Where a bond keeps its parts. */
export interface BondPlaces {
  /** Directory in a bpffs, of this bond alone. */
  readonly pins: string;
  /** File for what cannot be pinned. */
  readonly partsFile: string;
}

/** What it takes to make a bond. */
export interface NewBond extends BondPlaces {
  readonly name: string;
  readonly lowerName: string;
  /** MAC; the kernel's random one where absent. */
  readonly address?: string;
  readonly mtu: number;
}

/** What is noted before anything is made, so that a making that is cut short can be cleared away. */
type Unfinished = Pick<Parts, 'layoutVersion' | 'lowerName'>;

const ALIAS = 'Bondwire: lower end of';

type Shared = StructAccessor<FieldsOf<typeof SHARED>>;

/** Text that marks the lower end for people. */
export function lowerAlias(bondName: string): string {
  return `${ALIAS} ${bondName}; its packets pass here, leave it alone`;
}

export class EbpfBond implements BondDataPlane {
  readonly kind = 'ebpf';
  readonly #netlink: Rtnetlink;
  readonly #toolbox: Toolbox;
  readonly #places: BondPlaces;
  readonly #maps: LoadedMaps;
  readonly #memory: MappedMemory;
  readonly #shared: Shared;
  readonly #ring: RingBuffer;
  #parts: Parts;
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
    this.#memory = mmapArray(maps.state, SHARED.size);
    this.#shared = overlay(this.#memory.buffer);
    this.#ring = new RingBuffer(maps.events, EVENTS_BYTES);
  }

  /** Makes the interface pair and its transmit program; nothing is left behind when that fails. */
  static create(netlink: Rtnetlink, toolbox: Toolbox, bond: NewBond): EbpfBond {
    const undo: (() => void)[] = [];
    try {
      const { name, lowerName, mtu, address } = bond;
      const unfinished: Unfinished = { layoutVersion: LAYOUT_VERSION, lowerName };
      writeParts(bond.partsFile, unfinished);
      undo.push(() => rmSync(bond.partsFile, { force: true }));
      const near = createVeth(netlink, {
        name,
        peerName: lowerName,
        mtu,
        ...(address !== undefined && { address }),
      });
      undo.push(() => deleteLink(netlink, name));
      const lower = getLink(netlink, lowerName);
      if (near === undefined || lower === undefined) throw new Error(`The pair of ${name} did not appear.`);
      writeSysctl('ipv6', lowerName, 'disable_ipv6', '1');
      setLink(netlink, lower.ifindex, { alias: lowerAlias(name), noArp: true, addrGenMode: 'none' });
      withHostMounts(() => mkdirSync(bond.pins, { mode: 0o700 }));
      undo.push(() => withHostMounts(() => rmSync(bond.pins, { recursive: true, force: true })));
      const maps = createMaps();
      undo.push(() => closeMaps(maps));
      withHostMounts(() => {
        pinObject(maps.state, `${bond.pins}/state`);
        pinObject(maps.events, `${bond.pins}/events`);
      });
      initialise(maps, lower.ifindex);
      const transmit = attachProgram(
        netlink,
        toolbox,
        maps,
        transmitProgram(toolbox.context),
        lower.ifindex,
        `${bond.pins}/transmit`,
      );
      const parts: Parts = {
        layoutVersion: LAYOUT_VERSION,
        lowerName,
        bondIfindex: near.ifindex,
        lowerIfindex: lower.ifindex,
        transmit,
        receive: {},
      };
      const made = new EbpfBond(netlink, toolbox, bond, maps, parts);
      made.#saveParts(parts);
      return made;
    } catch (error) {
      for (const step of undo.toReversed()) step();
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
    const adopted = new EbpfBond(netlink, toolbox, places, { state, events }, parts);
    const intact = withHostMounts(() => isAttached(netlink, parts.transmit));
    if (intact && adopted.#shared.version === LAYOUT_VERSION) return adopted;
    adopted.close();
    return undefined;
  }

  /** Removes what is left of one whose interface is gone or that cannot be adopted. */
  static sweep(netlink: Rtnetlink, places: BondPlaces): void {
    const parts = readParts(places.partsFile);
    withHostMounts(() => {
      if (parts !== undefined && 'transmit' in parts) {
        for (const attachment of [parts.transmit, ...Object.values(parts.receive)]) {
          detach(netlink, attachment);
        }
      }
      rmSync(places.pins, { recursive: true, force: true });
    });
    if (parts !== undefined) deletePair(netlink, parts.lowerName);
    rmSync(places.partsFile, { force: true });
  }

  get bondIfindex(): number {
    return this.#parts.bondIfindex;
  }

  get lowerIfindex(): number {
    return this.#parts.lowerIfindex;
  }

  get checksCarrier(): boolean {
    return this.#toolbox.context.reader !== 'none';
  }

  get detail(): string {
    return `${this.#parts.transmit.kind}, ${this.#toolbox.describeReader()}`;
  }

  addMember(member: MemberIndex): void {
    const slot = this.#freeSlot();
    const entry = this.#shared.members.at(slot);
    entry.flags = 0;
    entry.device = 0n;
    entry.deadSends = 0n;
    entry.firstDeadNs = 0n;
    entry.ifindex = member;
    try {
      this.#learn(slot, member);
      const receive = attachProgram(
        this.#netlink,
        this.#toolbox,
        this.#maps,
        receiveProgram(this.#toolbox.context, slot),
        member,
        `${this.#places.pins}/receive-${slot}`,
      );
      this.#saveParts({ ...this.#parts, receive: { ...this.#parts.receive, [slot]: receive } });
    } catch (error) {
      entry.ifindex = 0;
      entry.device = 0n;
      throw error;
    }
  }

  removeMember(member: MemberIndex): void {
    const slot = this.#slotOf(member);
    if (slot === undefined) return;
    this.#setOrder(this.#order().filter(other => other !== slot));
    if (this.#shared.current === slot) this.#shared.current = NO_SLOT;
    const { [slot]: attachment, ...rest } = this.#parts.receive;
    if (attachment !== undefined) withHostMounts(() => detach(this.#netlink, attachment));
    const entry = this.#shared.members.at(slot);
    entry.ifindex = 0;
    entry.device = 0n;
    entry.flags = 0;
    this.#saveParts({ ...this.#parts, receive: rest });
  }

  apply(plan: ForwardingPlan): void {
    const shared = this.#shared;
    const slots = plan.order.map(member => this.#slotOf(member)).filter(slot => slot !== undefined);
    for (const member of this.members()) {
      const slot = this.#slotOf(member);
      if (slot === undefined) continue;
      const accept = !plan.inactive.includes(member);
      const entry = shared.members.at(slot);
      const flags = accept && member !== plan.active ? MEMBER_FLAGS.acceptAlways : 0;
      if (entry.flags !== flags) entry.flags = flags;
    }
    // The order first, then who is current: a program that runs in between sees a list that is right either way.
    this.#setOrder(slots);
    const flags = plan.inlineFailover && this.checksCarrier ? SHARED_FLAGS.divert : 0;
    if (shared.flags !== flags) shared.flags = flags;
    const active = plan.active === null ? undefined : this.#slotOf(plan.active);
    const current = active ?? NO_SLOT;
    if (shared.current !== current) shared.current = current;
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
    return this.#memberAt(this.#shared.current);
  }

  members(): readonly MemberIndex[] {
    const members: MemberIndex[] = [];
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      const { ifindex } = this.#shared.members.at(slot);
      if (ifindex !== 0) members.push(ifindex);
    }
    return members;
  }

  takeLoss(): Loss {
    let packets = 0;
    let since: bigint | null = null;
    const take = (count: bigint, first: bigint): void => {
      if (count === 0n) return;
      packets += Number(count);
      if (since === null || first < since) since = first;
    };
    const shared = this.#shared;
    // A counter that only the programs write and one that only we write, both kept for the next daemon.
    take((shared.drops - BigInt(shared.dropsTaken)) & 0xffff_ffffn, shared.firstDropNs);
    shared.dropsTaken = Number(shared.drops & 0xffff_ffffn);
    shared.firstDropNs = 0n;
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      const entry = shared.members.at(slot);
      if (entry.deadSends === 0n) continue;
      take(entry.deadSends, entry.firstDeadNs);
      entry.deadSends = 0n;
      entry.firstDeadNs = 0n;
    }
    return { packets, sinceNs: since };
  }

  droppedTotal(): number {
    return Number(this.#shared.drops);
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
    this.#closed = true;
    this.#ring.close();
    this.#memory.unmap();
    closeMaps(this.#maps);
  }

  destroy(): void {
    for (const member of this.members()) this.removeMember(member);
    const parts = this.#parts;
    this.close();
    withHostMounts(() => {
      detach(this.#netlink, parts.transmit);
      rmSync(this.#places.pins, { recursive: true, force: true });
    });
    deletePair(this.#netlink, parts.lowerName);
    rmSync(this.#places.partsFile, { force: true });
  }

  /** Lets the kernel say where the device is, so that the programs can ask it on every packet. */
  #learn(slot: number, member: MemberIndex): void {
    const { layout } = this.#toolbox.context;
    if (layout === undefined) return;
    const program = this.#toolbox.load(learnProgram(layout, slot, member), this.#maps);
    try {
      const result = progTestRun(program, { data: new Uint8Array(64) });
      if (result.retval !== LEARNED) this.#shared.members.at(slot).device = 0n;
    } finally {
      closeFd(program);
    }
  }

  #order(): number[] {
    const { order, orderCount } = this.#shared;
    return Array.from({ length: Math.min(orderCount, MAX_MEMBERS) }, (_, i) => order.at(i));
  }

  #setOrder(slots: readonly number[]): void {
    const shared = this.#shared;
    const same = slots.length === shared.orderCount && slots.every((slot, i) => shared.order.at(i) === slot);
    if (same) return;
    // Shorter while it changes: a program never reads a slot that is not written yet.
    shared.orderCount = 0;
    for (const [i, slot] of slots.entries()) shared.order.set(i, slot);
    shared.orderCount = slots.length;
  }

  #slotOf(member: MemberIndex): number | undefined {
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      if (this.#shared.members.at(slot).ifindex === member) return slot;
    }
    return undefined;
  }

  #memberAt(slot: number): MemberIndex | null {
    if (slot >= MAX_MEMBERS) return null;
    const { ifindex } = this.#shared.members.at(slot);
    return ifindex === 0 ? null : ifindex;
  }

  #freeSlot(): number {
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      if (this.#shared.members.at(slot).ifindex === 0) return slot;
    }
    throw new RangeError(`A bond has at most ${MAX_MEMBERS} members.`);
  }

  #saveParts(parts: Parts): void {
    this.#parts = parts;
    writeParts(this.#places.partsFile, parts);
  }
}

/** Replaces the file; a crash leaves the old or the new one. */
function writeParts(file: string, parts: Parts | Unfinished): void {
  writeFileSync(`${file}.new`, JSON.stringify(parts), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Deletes bond and lower end, the bond also when it is in another namespace by now: one end goes with the other. */
function deletePair(netlink: Rtnetlink, lowerName: string): void {
  const lower = getLink(netlink, lowerName);
  if (lower?.info?.kind !== 'veth' || lower.alias?.startsWith(ALIAS) === false) return;
  deleteLink(netlink, lower.ifindex);
}

function overlay(buffer: ArrayBuffer): Shared {
  return over(SHARED, new DataView(buffer));
}

function initialise(maps: LoadedMaps, lowerIfindex: number): void {
  const memory = mmapArray(maps.state, SHARED.size);
  const shared = overlay(memory.buffer);
  shared.version = LAYOUT_VERSION;
  shared.current = NO_SLOT;
  shared.lowerIfindex = lowerIfindex;
  memory.unmap();
}

function attachProgram(
  netlink: Rtnetlink,
  toolbox: Toolbox,
  maps: LoadedMaps,
  program: ProgramSpec,
  ifindex: number,
  pin: string,
): Attachment {
  const fd = toolbox.load(program, maps);
  try {
    return withHostMounts(() => attachIngress(netlink, fd, ifindex, pin));
  } finally {
    closeFd(fd);
  }
}

function closeMaps(maps: LoadedMaps): void {
  closeFd(maps.state);
  closeFd(maps.events);
}

function readParts(file: string): Parts | Unfinished | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Parts | Unfinished;
  } catch {
    return undefined;
  }
}
