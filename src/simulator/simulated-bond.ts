// Bondwire's daemon for one bond of a simulated host: drives the very policy object of the daemon the way
// src/daemon/bond-runner.ts does (join, outputs, opened; carriers asked for before a tick; news; diversions).
import { err, ok, refusal, type MacText, type Refusal, type Result, unreachable } from '../base/index.js';
import type { BondSnapshot, Input, Output, SavedBond } from '../policy/index.js';
import { AddressLists } from './address-lists.js';
import type { BondWorld, SimulatedPolicy } from './bond-world.js';
import { SimulatedDataPlane } from './data-plane.js';
import { type Frame, frameOf, isGroup, memberFrame } from './frame.js';
import { Hearing, routesTo } from './hearing.js';
import { stackedDevice } from './stacked-device.js';
import type { IpDevice } from './ip-stack.js';
import { DEFAULT_MTU, type NetworkInterface } from './network-interface.js';
import type { BondSpec } from './scenario.js';

interface Original {
  readonly mac: MacText;
  readonly mtu: number;
  readonly adminUp: boolean;
}

type Done = Result<undefined, Refusal>;
const DONE: Done = ok(undefined);

/** Options that name members, which must have joined first. */
const AFTER_JOINING: ReadonlySet<string> = new Set(['active_slave', 'prio', 'queue_id']);

export class SimulatedBond implements IpDevice {
  readonly name: string;
  readonly ifindex: number;
  readonly addresses: readonly string[];
  readonly plane: SimulatedDataPlane;
  mac: MacText;
  mtu: number = DEFAULT_MTU;
  adminUp: boolean = false;
  /** Null while no daemon runs. */
  policy: SimulatedPolicy | null = null;
  /** News on the way: device and policy may differ until it is told. */
  newsPending: number = 0;
  /** Gratuitous ARP requests that it sent. */
  garpsSent: number = 0;
  readonly #records = new Map<number, { readonly nic: NetworkInterface; readonly original: Original }>();
  readonly #world: BondWorld;
  #saved: SavedBond | null = null;
  /** What the programs did while no daemon ran: it stands in the ring buffer. */
  readonly #unheard: (readonly [from: number, to: number])[] = [];
  /** The snapshot since the last input, when somebody asked for it. */
  #seen: BondSnapshot | null = null;
  readonly #blank: BondSnapshot;
  #armed = 0;
  #wokenAt: number | null = null;
  readonly #told = new Map<number, boolean>();
  readonly #lists = new AddressLists();
  readonly #hearing = new Hearing();

  private constructor(
    world: BondWorld,
    spec: BondSpec,
    ifindex: number,
    policy: SimulatedPolicy,
    mac: MacText,
  ) {
    this.#world = world;
    this.name = spec.name;
    this.addresses = spec.addresses;
    this.ifindex = ifindex;
    this.policy = policy;
    this.mac = mac;
    this.#blank = policy.snapshot();
    this.plane = new SimulatedDataPlane(
      (from, to) => {
        if (from === null) return;
        this.#world.clock.after(this.#world.pace.newsMs, () => {
          if (this.policy === null) this.#unheard.push([from, to]);
          else if (this.#records.has(from)) this.#diverted(from, to);
        });
      },
      () => world.random.integer(0, 0xffff_ffff),
      () => world.clock.now,
    );
  }

  /** A bond with its members, as a scenario says it stands at time 0. */
  static create(world: BondWorld, spec: BondSpec, ifindex: number): Result<SimulatedBond, Refusal> {
    const address = world.random.mac();
    const entries = Object.entries(spec.options);
    const made = world.policies.create({
      name: spec.name,
      address,
      addressIsRandom: true,
      mtu: DEFAULT_MTU,
      options: entries.filter(([name]) => !AFTER_JOINING.has(name)),
    });
    if (!made.ok) return made;
    const bond = new SimulatedBond(world, spec, ifindex, made.value, address);
    bond.#carryOut(made.value.outputs());
    bond.#refreshStack();
    for (const member of spec.members) {
      const joined = bond.enslave(member);
      if (!joined.ok) return joined;
    }
    for (const [option, text] of entries.filter(([name]) => AFTER_JOINING.has(name))) {
      for (const value of text.split(/[\s,]+/)) {
        const set = bond.set(option, value);
        if (!set.ok) return set;
      }
    }
    if (spec.up !== false) bond.setUp(true);
    return ok(bond);
  }

  get members(): readonly NetworkInterface[] {
    return [...this.#records.values()].map(record => record.nic);
  }

  has(nic: NetworkInterface): boolean {
    return this.#records.has(nic.ifindex);
  }

  get carrier(): boolean {
    return this.plane.carrier;
  }

  canTransmit(): boolean {
    return this.adminUp;
  }

  transmit(frame: Frame): void {
    if (this.adminUp) this.plane.transmit(frame);
  }

  /** A frame that a member took in. */
  received(nic: NetworkInterface, frame: Frame): void {
    this.#hear(nic, frame);
    if (this.plane.receive(nic, frame) !== 'to-bond' || !this.adminUp) return;
    if (frame.destination === this.mac || isGroup(frame.destination)) this.#world.deliver(this, frame);
  }

  // Wishes of users, as the daemon carries them out.

  set(option: string, value: string): Done {
    if (this.policy === null) return noDaemon(this.name);
    this.#refreshStack();
    return this.#feed({ kind: 'set-option', option, value });
  }

  enslave(name: string): Done {
    const nic = this.#world.findInterface(name);
    if (this.policy === null) return noDaemon(this.name);
    if (nic === undefined) return err(refusal('unknown-interface', 'ENODEV', `There is no ${name}`));
    if (this.has(nic)) return DONE;
    if (this.#world.bondOf(nic) !== undefined)
      return err(refusal('in-use', 'EBUSY', `${name} is a member of another bond`));
    if (nic.adminUp) return err(refusal('interface-up', 'EPERM', `${name} is up; take it down first`));
    const original = { mac: nic.mac, mtu: nic.mtu, adminUp: nic.adminUp };
    this.#records.set(nic.ifindex, { nic, original });
    this.plane.addMember(nic);
    const joined = this.#feed({
      kind: 'join',
      member: nic.ifindex,
      link: nic.link(),
      permanentAddress: nic.permanentMac,
      canSetAddress: nic.spec.fixedMac !== true,
    });
    if (!joined.ok) {
      this.plane.removeMember(nic.ifindex);
      this.#records.delete(nic.ifindex);
      return joined;
    }
    this.#told.set(nic.ifindex, nic.carrier);
    this.#feed({ kind: 'opened', member: nic.ifindex, link: nic.link() });
    return DONE;
  }

  release(name: string): Done {
    const nic = this.#world.findInterface(name);
    if (this.policy === null) return noDaemon(this.name);
    if (nic === undefined) return err(refusal('unknown-interface', 'ENODEV', `There is no ${name}`));
    if (!this.has(nic)) return err(refusal('unknown-interface', 'EINVAL', `${name} is no member`));
    return this.#feed({ kind: 'leave', member: nic.ifindex, cause: 'released' });
  }

  setUp(up: boolean): void {
    this.adminUp = up;
    this.#bondNews();
  }

  setMac(mac: MacText): void {
    this.mac = mac;
    this.#bondNews();
  }

  /** Somebody on top wants frames to this address, or no longer. */
  listen(mac: MacText, wanted: boolean): void {
    this.#lists.listen(mac, wanted);
  }

  /** True when the address is in the member's list: the daemon keeps the bond's list in those of some members. */
  hears(member: number, mac: string): boolean {
    return this.adminUp && this.#lists.hears(member, mac, this.addresses);
  }

  setMtu(mtu: number): void {
    this.mtu = mtu;
    for (const nic of this.members) nic.setMtu(mtu);
    this.#bondNews();
  }

  /** kill -9: packets go on by the last plan; nobody listens, nobody ticks. */
  kill(): void {
    if (this.policy === null) return;
    this.#seen = this.policy.snapshot();
    this.policy = null;
    this.#armed++;
    this.#wokenAt = null;
    this.#world.stepped(this);
  }

  /** A new daemon finds the bond at work. */
  start(): void {
    if (this.policy !== null || this.#saved === null) return;
    this.#seen = null;
    this.policy = this.#world.policies.restore(this.#saved, this.#world.clock.now);
    // All that was missed is one piece of news.
    this.newsPending++;
    for (const [from, to] of this.#unheard.splice(0)) if (this.#records.has(from)) this.#diverted(from, to);
    this.#resync();
    this.plane.apply(this.policy.plan());
    this.plane.carrier = this.snapshot().carrier;
    this.newsPending--;
    this.#world.stepped(this);
    this.#arm();
  }

  // News of the kernel.

  /** A member changed; told after a while, and then as it is by then. */
  memberNews(nic: NetworkInterface, delayMs: number): void {
    if (this.policy === null) return;
    this.newsPending++;
    this.#world.clock.after(delayMs, () => {
      this.newsPending--;
      this.memberTold(nic);
    });
  }

  memberTold(nic: NetworkInterface): void {
    if (this.policy === null || !this.has(nic)) return;
    this.#told.set(nic.ifindex, nic.carrier);
    this.#feed({ kind: 'member-link', member: nic.ifindex, link: nic.link() });
  }

  /** What the daemon knows, or the last one knew. */
  snapshot(): BondSnapshot {
    if (this.policy === null) return this.#seen ?? this.#blank;
    this.#seen ??= this.policy.snapshot();
    return this.#seen;
  }

  #bondNews(): void {
    this.newsPending++;
    this.#world.clock.after(this.#world.pace.newsMs, () => {
      this.newsPending--;
      this.#bondTold();
    });
  }

  #bondTold(): void {
    if (this.policy === null) return;
    this.#refreshStack();
    this.#feed({
      kind: 'bond-link',
      name: this.name,
      adminUp: this.adminUp,
      mtu: this.mtu,
      address: this.mac,
      promiscuous: false,
      allMulticast: false,
    });
  }

  #resync(): void {
    this.#bondTold();
    for (const nic of this.members) this.memberTold(nic);
    const { current } = this.plane;
    const active = this.snapshot().active;
    if (active !== null && current !== null && current !== active) this.#diverted(active, current);
  }

  #diverted(from: number, to: number): void {
    this.#feed({ kind: 'diverted', from, to });
    const nic = this.#records.get(from)?.nic;
    if (nic !== undefined) this.memberTold(nic);
  }

  #refreshStack(): void {
    const device = stackedDevice(this);
    const { now } = this.#world.clock;
    this.policy?.handle({ kind: 'stack', devices: [device] }, now);
    const { arp_ip_target: arp, ns_ip6_target: ns } = this.snapshot().options;
    const routes = routesTo([...arp, ...ns], this.addresses);
    if (routes.length > 0) this.policy?.handle({ kind: 'routes', routes }, now);
  }

  // Driving the policy.

  #feed(input: Input): Done {
    const { policy } = this;
    if (policy === null) return noDaemon(this.name);
    this.#seen = null;
    const handled = policy.handle(input, this.#world.clock.now);
    const outputs = policy.outputs();
    this.#carryOut(outputs);
    if (this.#world.keepState) this.#keep(input.kind === 'time' && outputs.length === 0);
    if (input.kind !== 'time' || outputs.length > 0) this.#world.stepped(this);
    this.#arm();
    return handled;
  }

  /** As the daemon writes its state file: after what it did, and after a tick that can be seen (a delay that runs). */
  #keep(isQuiet: boolean): void {
    if (this.policy === null) return;
    const delayed = this.#saved?.state.members.some(member => member.delayTicks > 0);
    if (isQuiet && delayed === false) return;
    this.#saved = this.policy.save(this.#world.clock.now);
  }

  #arm(): void {
    const due = this.policy?.deadline() ?? null;
    if (due === this.#wokenAt) return;
    this.#wokenAt = due;
    const armed = ++this.#armed;
    if (due === null) return;
    const { clock, random, pace } = this.#world;
    const late = pace.timerLateMs > 0 ? random.next() * pace.timerLateMs : 0;
    clock.at(due + late, () => {
      if (armed !== this.#armed) return;
      this.#wokenAt = null;
      this.#tick();
    });
  }

  /** Every frame counts before it is accepted or dropped, as on the way through a member's receive program. */
  #hear(nic: NetworkInterface, frame: Frame): void {
    if (this.policy === null || !this.#isAsking) return;
    const answer = this.#hearing.received(nic.ifindex, frame, this.#world.clock.now);
    if (answer !== null) this.policy.handle({ kind: 'answer', answer }, this.#world.clock.now);
  }

  #sendThrough(output: Extract<Output, { kind: 'probe' | 'send-through' }>): void {
    const nic = this.#records.get(output.member)?.nic;
    if (nic?.canSend === true) nic.transmit(memberFrame(output, nic.mac));
  }

  get #isAsking(): boolean {
    return this.snapshot().options.arp_interval > 0;
  }

  /** The carriers are asked for first, as the driver's monitor does. */
  #tick(): void {
    for (const { nic } of this.#records.values()) {
      if (nic.adminUp && this.#told.get(nic.ifindex) !== nic.carrier) this.memberTold(nic);
    }
    if (this.#isAsking && this.policy !== null) {
      this.policy.handle({ kind: 'heard', heard: this.#hearing.all() }, this.#world.clock.now);
    }
    this.#feed({ kind: 'time' });
  }

  #carryOut(outputs: readonly Output[]): void {
    for (const output of outputs) this.#perform(output);
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case 'set-member-address':
        this.#records.get(output.member)?.nic.setMac(output.address);
        return;
      case 'set-member-mtu':
        this.#records.get(output.member)?.nic.setMtu(output.mtu);
        return;
      case 'open-member':
        this.#records.get(output.member)?.nic.setUp(true);
        return;
      case 'detach-member':
        this.#detach(output.member, output.restoreAddress);
        return;
      case 'set-bond-address':
        this.setMac(output.address);
        return;
      case 'random-bond-address':
        this.setMac(this.#world.random.mac());
        return;
      case 'set-bond-mtu':
        this.setMtu(output.mtu);
        return;
      case 'carrier':
        this.plane.carrier = output.on;
        return;
      case 'forward':
        this.plane.apply(output.plan);
        this.#lists.plan = output.plan;
        return;
      case 'send':
        if (output.what === 'arp') this.garpsSent++;
        if (output.device === this.ifindex) this.transmit(frameOf(output.frame));
        return;
      case 'probe':
      case 'send-through':
        this.#sendThrough(output);
        return;
      case 'event':
        this.#world.told(this, output.event);
        return;
      default:
        unreachable(output);
    }
  }

  #detach(member: number, restoreAddress: boolean): void {
    const record = this.#records.get(member);
    this.plane.removeMember(member);
    this.#records.delete(member);
    this.#told.delete(member);
    this.#hearing.forget(member);
    if (record === undefined) return;
    const { nic, original } = record;
    nic.setUp(false);
    if (restoreAddress) nic.setMac(original.mac);
    nic.setMtu(original.mtu);
    nic.setUp(original.adminUp);
  }
}

function noDaemon(name: string): Done {
  return err(refusal('system', 'ECONNREFUSED', `No daemon runs ${name}`));
}
