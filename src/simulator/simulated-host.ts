// The world of one bond as the simulated network gives it: the ports of the keeper. What a daemon that was killed did goes on by
// itself here; a new one gets a host of its own.
import type { MacText } from '../base/index.js';
import type {
  BondLink,
  Book,
  Clock,
  Frames,
  Holder,
  Host,
  Intake,
  Links,
  OriginalSettings,
} from '../keeper/index.js';
import type {
  ForwardingPlan,
  Heard,
  HeardAnswer,
  MemberIndex,
  MemberLink,
  Output,
  ProbeRoute,
} from '../policy/index.js';
import type { AddressLists } from './address-lists.js';
import type { BondWorld } from './bond-world.js';
import type { Carried } from './carried.js';
import type { SimulatedDataPlane } from './data-plane.js';
import { SLOW_PROTOCOLS_MAC } from '../frames/index.js';
import { type Frame, frameOf, memberFrame } from './frame.js';
import { bytesOf } from './frame-bytes.js';
import { Hearing, routesTo } from './hearing.js';
import type { NetworkInterface } from './network-interface.js';
import { stackedDevice } from './stacked-device.js';
import { SimulatedPackets } from './simulated-packets.js';
import { inSteps, type Step, UNHARMED } from './steps.js';

/** The bond's own interface. */
export interface BondDevice {
  readonly name: string;
  readonly ifindex: number;
  /** Its addresses in the network, with prefix lengths. */
  readonly addresses: readonly string[];
  /** What came to it with its members. */
  readonly carried: Carried;
  readonly mac: MacText;
  readonly mtu: number;
  readonly adminUp: boolean;
  setUp(up: boolean): void;
  setMac(mac: MacText): void;
  setMtu(mtu: number): void;
  transmit(frame: Frame): void;
}

export interface HostParts {
  readonly world: BondWorld;
  readonly device: BondDevice;
  readonly plane: SimulatedDataPlane;
  readonly lists: AddressLists;
  /** What the programs did while nobody listened. */
  readonly unheard: (readonly [from: MemberIndex, to: MemberIndex])[];
  readonly save: () => void;
  readonly told: Book['tell'];
  /** The bond's interface is gone. */
  readonly gone: () => void;
  /** Nothing of the bond is written down any more. */
  readonly forgotten: () => void;
  /** Everything that follows from an input is done. */
  readonly stepped: () => void;
  /** An ARP request of the bond's own leaves. */
  readonly announced: () => void;
}

/** Calls that change something. */
const LINK_STEPS = [
  'set',
  'giveAddress',
  'silence',
  'restore',
  'takeOver',
  'bring',
  'takeBack',
  'giveBack',
] as const;
const PACKET_STEPS = [
  'addMember',
  'removeMember',
  'apply',
  'setCarrier',
  'setMtu',
  'renamed',
  'close',
  'destroy',
] as const;

export class SimulatedHost implements Host {
  readonly links: Links;
  readonly frames: SimulatedFrames;
  readonly packets: SimulatedPackets;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly book: Book;
  readonly #parts: HostParts;
  readonly #world: BondWorld;
  #isSaveDue = false;
  /** False once its daemon was killed: no timer and no news wakes it. */
  #lives = true;

  constructor(parts: HostParts) {
    const { world } = parts;
    this.#parts = parts;
    this.#world = world;
    const step = world.step ?? UNHARMED;
    const { plant = {} } = world;
    const whenToLook = (look: () => void): void => void this.#at(world.clock.now, look);
    this.links = inSteps({ ...linksOf(parts, step), whenToLook, ...plant.links }, LINK_STEPS, step);
    this.frames = inSteps(new SimulatedFrames(parts), ['send', 'sendThrough', 'close'], step);
    this.packets = inSteps(Object.assign(new SimulatedPackets(parts), plant.packets), PACKET_STEPS, step);
    this.intake = inSteps(
      { ...intakeOf(parts), ...plant.intake },
      ['follow', 'joins', 'release', 'close'],
      step,
    );
    this.clock = {
      now: () => world.clock.now,
      at: (deadlineMs, run) => this.#at(deadlineMs + lateness(world), run),
    };
    this.book = {
      save: () => this.#save(step),
      saveSoon: () => this.#saveSoon(step),
      note: () => {
        if (plant.notes !== false) this.#save(step);
        return undefined;
      },
      tell: parts.told,
      // Nothing fails here but by a bug.
      failed: error => {
        throw error;
      },
    };
  }

  holders(): readonly Holder[] {
    return this.#world.bonds().flatMap(({ keeper }) => (keeper === null ? [] : [keeper]));
  }

  parted(): void {
    this.#parts.gone();
  }

  ended(): void {
    this.#parts.forgotten();
  }

  /** Its daemon was killed. */
  end(): void {
    this.#lives = false;
  }

  #save(step: Step): void {
    this.#isSaveDue = false;
    step(this.#parts.save);
  }

  /** At the end of the turn, unless it is written before. */
  #saveSoon(step: Step): void {
    if (this.#isSaveDue || !this.#world.keepState) return;
    this.#isSaveDue = true;
    this.#at(this.#world.clock.now, () => {
      if (this.#isSaveDue) this.#save(step);
    });
  }

  #at(time: number, run: () => void): () => void {
    let isWanted = true;
    this.#world.clock.at(time, () => {
      if (isWanted && this.#lives) run();
    });
    return () => {
      isWanted = false;
    };
  }
}

/** A timer is late by chance. */
function lateness({ pace, random }: BondWorld): number {
  return pace.timerLateMs > 0 ? random.next() * pace.timerLateMs : 0;
}

/** The first multiple of `stepMs` after `ms`. */
function nextMultiple(stepMs: number, ms: number): number {
  return (Math.floor(ms / stepMs) + 1) * stepMs;
}

function linksOf({ world, device }: HostParts, step: Step): Omit<Links, 'whenToLook'> {
  const at = (ifindex: number): NetworkInterface | undefined => world.interfaceAt(ifindex);
  const read = (ifindex: number): MemberLink | undefined => at(ifindex)?.link();
  return {
    bond: (): BondLink => ({
      kind: 'bond-link',
      name: device.name,
      adminUp: device.adminUp,
      mtu: device.mtu,
      address: device.mac,
      promiscuous: false,
      allMulticast: false,
    }),
    read,
    member: read,
    opened: read,
    news: ({ member, adminUp, carrier }) => {
      const link = adminUp ? read(member) : undefined;
      return link?.carrier === carrier ? undefined : link;
    },
    restUntil: () => {
      const { askedEveryMs } = world.pace;
      return askedEveryMs === undefined ? null : nextMultiple(askedEveryMs, world.clock.now);
    },
    follow: () => {},
    set: (ifindex, { up, address, mtu }) => {
      const target = ifindex === device.ifindex ? device : at(ifindex);
      if (address !== undefined) target?.setMac(address);
      if (mtu !== undefined) target?.setMtu(mtu);
      if (up !== undefined) target?.setUp(up);
    },
    giveAddress: (member, address) => at(member)?.setMac(address),
    randomAddress: () => world.random.mac(),
    takesAddress: ifindex => at(ifindex)?.spec.fixedMac !== true,
    stack: () => [stackedDevice(device)],
    counters: () => ({}),
    silence: ({ ifindex }) => {
      const nic = at(ifindex);
      if (nic !== undefined) nic.isSilent = true;
    },
    restore: (original, wish) => {
      restore(at(original.ifindex), original, wish.address, step);
      return [];
    },
    takeOver: ({ ifindex, addresses }) => {
      step(() => at(ifindex)?.carried.remove({ addresses, routes: at(ifindex)?.carried.routes ?? [] }));
      device.carried.add({ addresses, routes: [] });
    },
    bring: belongings => {
      device.setUp(true);
      device.carried.add({ addresses: belongings.addresses, routes: [] });
      return () => device.carried.add(belongings);
    },
    takeBack: belongings => device.carried.remove(belongings),
    giveBack: belongings => {
      at(belongings.ifindex)?.carried.add(belongings);
      return [];
    },
    planReturn: taken =>
      taken.map(saved => ({
        ...saved,
        addresses: saved.addresses.filter(each => device.carried.addresses.includes(each)),
        routes: saved.routes.filter(each => device.carried.routes.includes(each)),
      })),
    homecoming: taken => ({
      first: () => {
        for (const { ifindex, addresses } of taken)
          step(() => at(ifindex)?.carried.add({ addresses, routes: [] }));
      },
      rest: (isFree, done) => {
        for (const saved of taken)
          if (isFree(saved.ifindex)) step(() => at(saved.ifindex)?.carried.add(saved));
        done([]);
      },
    }),
    returnAtOnce: taken => {
      for (const saved of taken) step(() => at(saved.ifindex)?.carried.add(saved));
      return [];
    },
    isUsedOtherwise: ifindex => {
      const { addresses = [], routes = [] } = at(ifindex)?.carried ?? {};
      return addresses.length + routes.length > 0;
    },
    // Hosts here have no other way out than a bond.
    putSourced: () => [],
  };
}

function restore(
  nic: NetworkInterface | undefined,
  original: OriginalSettings,
  address: boolean,
  step: Step,
): void {
  if (nic === undefined) return;
  step(() => nic.setUp(false));
  if (address) step(() => nic.setMac(original.address));
  step(() => nic.setMtu(original.mtu));
  step(() => {
    nic.isSilent = original.disableIpv6 === '1';
  });
  step(() => nic.setUp(original.up));
}

/** Lists of addresses: members that are to carry the bond's do so at once. */
function intakeOf({ world, lists, plane, stepped }: HostParts): Intake {
  let due: ForwardingPlan | null = null;
  const give = (plan: ForwardingPlan): void => {
    lists.plan = plan;
    for (const member of plane.members()) {
      const nic = world.interfaceAt(member);
      if (nic !== undefined) nic.alsoTakes = plan.askingAddresses;
    }
  };
  return {
    planned: plan => {
      due = plan;
    },
    follow: () => {
      if (due !== null) give(due);
      due = null;
      stepped();
    },
    sync: () => {},
    addressTaken: () => {},
    joins: member => {
      const nic = world.interfaceAt(member);
      if (nic !== undefined) nic.isLent = true;
    },
    joined: () => {},
    told: () => {},
    stackChanged: () => {},
    release: member => {
      const nic = world.interfaceAt(member);
      if (nic !== undefined) nic.isLent = false;
    },
    close: () => {},
  };
}

function isArp(frame: Frame): boolean {
  const bytes = frame.cargo.kind === 'packet' ? undefined : bytesOf(frame);
  return bytes?.[12] === 8 && bytes[13] === 6;
}

/** Frames of the bond's own, and what members hear while a monitor asks. */
export class SimulatedFrames implements Frames {
  readonly #parts: HostParts;
  readonly #hearing = new Hearing();
  #ears: readonly MemberIndex[] = [];
  #answered: (answer: HeardAnswer) => void = () => {};
  #slowEars: readonly MemberIndex[] = [];
  readonly #receivedMs = new Map<MemberIndex, number>();
  #slowFrame: (member: MemberIndex, frame: Uint8Array) => void = () => {};
  #arpEars: readonly MemberIndex[] = [];
  #arpFrame: (member: MemberIndex | null, frame: Uint8Array) => void = () => {};
  #lastRoutes = '';

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  send({ device: to, frame, what }: Extract<Output, { kind: 'send' }>): void {
    const { device, announced } = this.#parts;
    if (what === 'arp') announced();
    if (to === device.ifindex) device.transmit(frameOf(frame));
  }

  sendThrough(output: Extract<Output, { kind: 'probe' | 'send-through' }>): void {
    const { world, plane } = this.#parts;
    if (!plane.members().includes(output.member)) return;
    const nic = world.interfaceAt(output.member);
    if (nic?.canSend === true) nic.transmit(memberFrame(output, nic.mac));
  }

  listen(members: readonly MemberIndex[]): void {
    for (const member of this.#ears) if (!members.includes(member)) this.#hearing.forget(member);
    this.#ears = members;
  }

  /** Every frame counts before it is accepted or dropped, as on the way through a member's receive program. */
  hear(member: MemberIndex, frame: Frame): void {
    const isSlow = frame.cargo.kind === 'bytes' && frame.destination === SLOW_PROTOCOLS_MAC;
    if (this.#slowEars.includes(member)) this.#receivedMs.set(member, this.#parts.world.clock.now);
    if (isSlow && this.#slowEars.includes(member)) this.#slowFrame(member, bytesOf(frame));
    if (this.#arpEars.includes(member) && isArp(frame)) this.#arpFrame(member, bytesOf(frame));
    if (!this.#ears.includes(member)) return;
    const answer = this.#hearing.received(member, frame, this.#parts.world.clock.now);
    if (answer !== null) this.#answered(answer);
  }

  heard(): readonly Heard[] {
    return this.#hearing.all();
  }

  lastReceived(member: MemberIndex): number | null {
    return this.#receivedMs.get(member) ?? null;
  }

  changedRoutes(targets: readonly string[]): readonly ProbeRoute[] | undefined {
    const routes = routesTo(targets, this.#parts.device.addresses);
    const text = JSON.stringify(routes);
    if (text === this.#lastRoutes) return undefined;
    this.#lastRoutes = text;
    return routes;
  }

  onAnswer(callback: (answer: HeardAnswer) => void): void {
    this.#answered = callback;
  }

  hearSlow(members: readonly MemberIndex[]): void {
    this.#slowEars = members;
  }

  onSlowFrame(callback: (member: MemberIndex, frame: Uint8Array) => void): void {
    this.#slowFrame = callback;
  }

  hearArp(members: readonly MemberIndex[]): void {
    this.#arpEars = members;
  }

  onArpFrame(callback: (member: MemberIndex | null, frame: Uint8Array) => void): void {
    this.#arpFrame = callback;
  }

  /** ARP that the host sends by way of the bond. */
  hearOwn(frame: Frame): void {
    if (this.#arpEars.length > 0 && isArp(frame)) this.#arpFrame(null, bytesOf(frame));
  }

  /** Nothing waits in this network. */
  pollSlow(): void {}

  close(): void {
    this.#ears = [];
    this.#slowEars = [];
    this.#arpEars = [];
  }
}
