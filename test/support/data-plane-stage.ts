// A lab with a bond on the eBPF data plane in its host, without daemon and policy, and numbered frames through it.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  NO_KEEPER,
  type BondDataPlane,
  type DataPlaneKind,
  EbpfBond,
  Toolbox,
  type ToolboxWishes,
  UserspaceBond,
  wishesOf,
} from '../../src/dataplane/index.js';
import { Lab, type LabOptions } from '../../src/lab/index.js';
import {
  closeFd,
  getPinned,
  listMapIds,
  listProgramIds,
  mapInfo,
  mountBpffs,
  PacketSocket,
  programFdById,
  programInfo,
  requireLink,
  unmountFileSystem,
} from '../../src/linux/index.js';
import type { VlanSettings } from '../../src/netlink/index.js';
import type { ForwardingPlan, MemberIndex } from '../../src/policy/index.js';

/** IEEE 802 local experimental EtherType 1. */
const EXPERIMENTAL = 0x88b5;

/** The interface of a place that frames are sent and received by. */
function nameOf(place: 'host' | 'peer'): string {
  return place === 'host' ? 'bond0' : 'eth0';
}

/** Milliseconds without a frame after which no more is expected: a busy machine may leave one lying for long. */
const QUIET_MS = process.env['BONDWIRE_GUEST'] === undefined ? 250 : 600;
const BUSY_QUIET_MS = 1500;

/** The same, for the machine as it is now: with many who want its processors, a worker of user space waits for a second. */
function quietMs(): number {
  return (loadavg()[0] ?? 0) > availableParallelism() + 1 ? BUSY_QUIET_MS : QUIET_MS;
}

/** To wait for, at most so long. */
export const NEVER: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4));

/** What a plan is to say otherwise; `usable`: only these members are; `allHeard`: backups are heard too. */
export type PlanChanges = Partial<Omit<ForwardingPlan, 'members'>> & {
  readonly usable?: readonly MemberIndex[];
  readonly allHeard?: boolean;
};

/** A plan for these members, the first of them active, with inline failover. */
export function planFor(
  order: readonly MemberIndex[],
  { usable = order, allHeard = false, ...changes }: PlanChanges = {},
): ForwardingPlan {
  const active = changes.active === undefined ? (order[0] ?? null) : changes.active;
  return {
    mode: 'active-backup',
    active,
    members: order.map((member, at) => ({
      member,
      usable: usable.includes(member),
      heardBesides: allHeard && member !== active,
      queue: 0,
      balance: null,
      carriesFilters: at === 0,
      carriesGroups: at === 0,
      hearsQuestions: false,
    })),
    hashPolicy: 'layer2',
    packetsPerSlave: 1,
    inlineFailover: true,
    timesReception: false,
    byLoad: true,
    rebalance: 0,
    askingAddresses: [],
    questionGroups: [],
    receivers: null,
    promiscuous: false,
    allMulticast: false,
    ...changes,
  };
}

/** Counts and numbers what arrives. */
export function numberedFrame(number: number, length = 60): Uint8Array {
  const frame = new Uint8Array(length);
  frame.fill(0xff, 0, 6).fill(0x02, 6, 12);
  const view = new DataView(frame.buffer);
  view.setUint16(12, EXPERIMENTAL);
  view.setUint32(14, number);
  return frame;
}

/** The frame with a VLAN tag. */
function taggedFrame(frame: Uint8Array, { id, protocol }: VlanSettings): Uint8Array {
  const tagged = new Uint8Array(frame.length + 4);
  tagged.set(frame.subarray(0, 12));
  tagged.set(frame.subarray(12), 16);
  const view = new DataView(tagged.buffer);
  view.setUint16(12, protocol);
  view.setUint16(14, id);
  return tagged;
}

export class DataPlaneStage {
  readonly lab: Lab;
  readonly toolbox: Toolbox;
  readonly runDir: string;
  /** False: as where pins go with the daemon. */
  pinsLast = true;
  #number = 0;
  readonly #maps = new Set<number>();

  private constructor(lab: Lab, wishes: ToolboxWishes) {
    this.lab = lab;
    this.toolbox = Toolbox.probe({ ...wishesOf(process.env), ...wishes });
    this.runDir = mkdtempSync(join(tmpdir(), 'bw-plane-'));
    mkdirSync(`${this.runDir}/bpf`);
    mountBpffs(`${this.runDir}/bpf`);
  }

  static async create(wishes: ToolboxWishes = {}, options: LabOptions = {}): Promise<DataPlaneStage> {
    const stage = new DataPlaneStage(await Lab.create(options), wishes);
    for (const member of stage.lab.members) stage.lab.setUp('host', member, true);
    return stage;
  }

  get places() {
    return { pins: `${this.runDir}/bpf/bwl-00c0ffee`, partsFile: `${this.runDir}/bond0.json` };
  }

  /** Makes bond0, up and without members. */
  bond(mtu = 1500): EbpfBond {
    const bond = this.host(() =>
      EbpfBond.create(this.surroundings, {
        ...this.places,
        name: 'bond0',
        lowerName: 'bwl-00c0ffee',
        mtu,
      }),
    );
    this.#rememberMaps();
    return this.#raised(bond);
  }

  /** The same on the user-space data plane. */
  userspaceBond(mtu = 1500): UserspaceBond {
    const netlink = this.lab.netlink('host');
    const wish = { ...this.places, name: 'bond0', lowerName: 'bwl-00c0ffee', mtu };
    return this.#raised(this.host(() => UserspaceBond.create({ netlink, keeper: NO_KEEPER }, wish)));
  }

  #raised<T extends BondDataPlane>(bond: T): T {
    bond.setCarrier(true);
    this.lab.setUp('host', 'bond0', true);
    return bond;
  }

  /** What a bond works with. */
  get surroundings() {
    const store = { reach: (pins: string) => pins, lasts: () => this.pinsLast };
    return { netlink: this.lab.netlink('host'), toolbox: this.toolbox, store };
  }

  /** The next daemon knows `members` from its state, in the order in which they are to send. */
  adopt(members: readonly string[] = [], toolbox = this.toolbox): EbpfBond | undefined {
    const bondIfindex = this.lab.link('host', 'bond0')?.ifindex;
    const lowerIfindex = this.lab.link('host', 'bwl-00c0ffee')?.ifindex;
    if (bondIfindex === undefined || lowerIfindex === undefined) return undefined;
    const order = members.map(member => this.ifindex(member));
    const known = {
      lowerName: 'bwl-00c0ffee',
      bondIfindex,
      lowerIfindex,
      members: order,
      plan: planFor(order),
    };
    return this.host(() => EbpfBond.adopt({ ...this.surroundings, toolbox }, this.places, known));
  }

  /** Makes bond0 of all members of the lab, the first active. */
  bondOfAll(mtu = 1500, kind: DataPlaneKind = 'ebpf'): BondDataPlane {
    const bond = kind === 'ebpf' ? this.bond(mtu) : this.userspaceBond(mtu);
    for (const member of this.lab.members) this.host(() => bond.addMember(this.ifindex(member)));
    bond.apply(planFor(this.lab.members.map(member => this.ifindex(member))));
    return bond;
  }

  host<T>(work: () => T): T {
    return this.lab.inside('host', work);
  }

  ifindex(name: string): MemberIndex {
    return requireLink(this.lab.netlink('host'), name).ifindex;
  }

  /** Frames that a member sent, or received, as its own counters say. */
  counted(name: string): { sent: number; received: number } {
    const statistics = this.lab.link('host', name)?.statistics;
    return { sent: statistics?.txPackets ?? 0, received: statistics?.rxPackets ?? 0 };
  }

  /** Sends `count` numbered frames from bond0 (or to it) and gives how many arrived, each once and in order. */
  passed(direction: 'out' | 'in', count = 20): number {
    const numbers = this.arrivals(direction, count, count);
    const ordered = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0));
    if (!ordered) throw new Error(`Frames came doubled or out of order: ${numbers.join(', ')}`);
    return numbers.length;
  }

  /**
   * Sends `count` numbered frames the same way and gives the numbers of them that arrived, as they came: once there are
   * `expected`, or nothing more comes. With a tag, they have it on the wire.
   */
  arrivals(direction: 'out' | 'in', count: number, expected: number, tag?: VlanSettings): number[] {
    const [from, to] = direction === 'out' ? (['host', 'peer'] as const) : (['peer', 'host'] as const);
    const sender = this.#socket(from, nameOf(from), 0);
    const receiver = this.#socket(to, nameOf(to), EXPERIMENTAL);
    const first = this.#number;
    try {
      const numbers: number[] = [];
      const drain = (): number => {
        const before = numbers.length;
        for (let frame = receiver.receive(); frame !== undefined; frame = receiver.receive()) {
          const number = new DataView(frame.data.buffer, frame.data.byteOffset).getUint32(14);
          // One of an earlier call may be late.
          if (number >= first) numbers.push(number);
        }
        return numbers.length - before;
      };
      for (; this.#number < first + count; this.#number++) {
        const frame = numberedFrame(this.#number);
        sender.send(tag === undefined ? frame : taggedFrame(frame, tag));
        drain();
      }
      // What is still on its way: a busy kernel hands frames over by a thread of its own.
      const patience = quietMs();
      for (let quiet = 0; quiet < patience && numbers.length < expected; quiet++) {
        Atomics.wait(NEVER, 0, 0, 1);
        if (drain() > 0) quiet = 0;
      }
      return numbers;
    } finally {
      sender.close();
      receiver.close();
    }
  }

  /**
   * What is there of bonds made here: links, programs, maps, pins, files. The kernel frees programs and maps a moment
   * after their last use; other bonds of the machine are no concern.
   */
  traces(): string[] {
    this.#rememberMaps();
    const { lab, runDir } = this;
    const links = ['bond0', 'bwl-00c0ffee'].filter(name => lab.link('host', name) !== undefined);
    const programs = listProgramIds()
      .map(id => inspect(programFdById(id), programInfo))
      .filter(info => info?.mapIds.some(id => this.#maps.has(id)) === true);
    const maps = listMapIds().filter(id => this.#maps.has(id));
    const files = [...readdirSync(runDir).filter(name => name !== 'bpf'), ...readdirSync(`${runDir}/bpf`)];
    return [
      ...links,
      ...programs.map(info => info?.name ?? ''),
      ...maps.map(id => `map ${id}`),
      ...files,
    ].toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** Knows our maps by their ids, and our programs by the maps that they use. */
  #rememberMaps(): void {
    for (const pin of ['state', 'events']) {
      const info = inspect(getPinned(`${this.places.pins}/${pin}`), mapInfo);
      if (info !== undefined) this.#maps.add(info.id);
    }
  }

  close(): void {
    unmountFileSystem(`${this.runDir}/bpf`);
    rmSync(this.runDir, { recursive: true, force: true });
    this.lab.close();
  }

  #socket(place: 'host' | 'peer', name: string, protocol: number): PacketSocket {
    return this.lab.inside(place, () =>
      PacketSocket.open({ ifindex: requireLink(this.lab.netlink(place), name).ifindex, protocol }),
    );
  }
}

/** Information on an object that may be gone. */
function inspect<T>(fd: number | undefined, info: (fd: number) => T): T | undefined {
  if (fd === undefined) return undefined;
  try {
    return info(fd);
  } finally {
    closeFd(fd);
  }
}
