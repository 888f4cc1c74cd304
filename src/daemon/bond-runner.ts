// Runs one bond: gives the policy what the kernel, the data plane and the clock say, and carries out what it answers.
import { type Refusal, type Result, unreachable } from '../base/index.js';
import type { BondDataPlane } from '../dataplane/index.js';
import { getLink, isErrno } from '../linux/index.js';
import type { Link } from '../netlink/index.js';
import { Bond, type BondEvent, type ForwardingPlan, type Input, type Output } from '../policy/index.js';
import { type IfconfigCounters, NO_COUNTERS } from '../report/index.js';
import type { SavedBelongings } from './members/address-transfer.js';
import { type Described, NOTHING_DESCRIBED } from './api/api.js';
import { Departures, type MemberRecord } from './members/departures.js';
import { FilterFollower } from './kernel/filter-follower.js';
import { FrameSender } from './kernel/frame-sender.js';
import { bondLinkOf } from './kernel/link-facts.js';
import { changeLink, isLinkOutput } from './kernel/link-outputs.js';
import { LinkReader } from './kernel/link-reader.js';
import type { Machine } from './kernel/machine.js';
import type { RunnerParts } from './runner-parts.js';
import { giveAddresses } from './members/member-address.js';
import { giveMtu } from './members/member-mtu.js';
import { MonitorSenses } from './kernel/monitor-senses.js';
import { type Outage, outageOf } from './outage.js';
import { awaitedAgain } from './members/vanished.js';
import { collectStack, collectStackInTurn } from './kernel/stack.js';
import { VlanFollower } from './kernel/vlan-follower.js';
import type { Leaving, SavedRunner, WantedMember } from './keeping/state-file.js';

const LONGEST_TIMER_MS = 2_000_000_000;

export class BondRunner {
  readonly #machine: Machine;
  readonly plane: BondDataPlane;
  readonly #policy: Bond;
  readonly #pins: string;
  readonly records: Map<number, MemberRecord>;
  taken: SavedBelongings[];
  /** What members that left had counted while they were here. */
  departed: IfconfigCounters;
  /** Interfaces that are to be members whenever they are there. */
  wanted: readonly WantedMember[];
  /** Interfaces that left, and come up when the bond has another MAC address than theirs. */
  readonly heldDown: Set<number>;
  /** What the file made of it that was carried out last. */
  described: Described;
  /** True from the first step of its destruction on. */
  ending = false;
  readonly #filters: FilterFollower;
  readonly #departures: Departures;
  readonly #frames: FrameSender;
  readonly #senses: MonitorSenses;
  readonly vlans: VlanFollower;
  /** How the links of members are read. */
  readonly links: LinkReader;
  #plan: ForwardingPlan;
  #timer: NodeJS.Timeout | undefined;
  #stackDirty = true;
  #willLook = false;
  /** Interface indexes of the bond and of what stood on it at the last look. */
  #stack: ReadonlySet<number>;
  /** What the last failover cost. */
  #ended: Outage = {};
  #closed = false;

  constructor(parts: RunnerParts) {
    this.#machine = parts.machine;
    this.plane = parts.plane;
    this.#policy = parts.policy;
    this.#pins = parts.pins;
    this.records = new Map(
      (parts.members ?? []).map(({ original, ...record }) => [original.ifindex, { original, ...record }]),
    );
    this.taken = [...(parts.taken ?? [])];
    this.departed = parts.departed ?? NO_COUNTERS;
    this.wanted = parts.wanted ?? [];
    this.described = parts.described ?? NOTHING_DESCRIBED;
    this.heldDown = new Set(parts.heldDown);
    this.#frames = new FrameSender(parts.machine);
    this.#senses = new MonitorSenses(parts.machine, parts.plane, answer => {
      if (!this.#closed) this.#guard(() => this.feed({ kind: 'answer', answer }));
    });
    this.#plan = parts.policy.plan();
    this.#stack = new Set([parts.plane.bondIfindex]);
    const { netlink } = parts.machine;
    const save = (): void => parts.machine.save(this);
    const guard = (action: () => void): void => this.#guard(action);
    const bondUp = (): boolean => this.#policy.snapshot().adminUp;
    const { bondIfindex } = parts.plane;
    const note = (): boolean => parts.machine.note(this, '') === undefined;
    const filtered = { netlink, save, note, guard, bondUp, bondIfindex, records: this.records };
    this.#filters = new FilterFollower(filtered, this.#plan, parts.filters);
    this.vlans = new VlanFollower({
      netlink,
      ethtool: parts.machine.ethtool,
      plane: parts.plane,
      records: this.records,
      bondName: () => this.name,
      guard,
      receiveAll: (member, isOpen) => this.#filters.receiveAll(member, 'vlans', isOpen),
      tell: event => this.#tell(event),
    });
    const { vlans } = this;
    this.#departures = new Departures(parts.machine, this, { filters: this.#filters, vlans, guard, save });
    this.links = new LinkReader(parts.machine, (member, message) =>
      this.#tell({ severity: 'warning', type: 'link', message, member }),
    );
    this.links.follow(parts.policy.snapshot());
    this.plane.onDiverted(({ from, to }) => {
      if (!this.#closed && from !== null) this.#diverted(from, to);
    });
  }

  get name(): string {
    return this.#policy.snapshot().name;
  }

  get policy(): Bond {
    return this.#policy;
  }

  /** What the state file keeps. */
  saved(): SavedRunner {
    return {
      name: this.name,
      bondIfindex: this.plane.bondIfindex,
      lowerIfindex: this.plane.lowerIfindex,
      pins: this.#pins,
      policy: this.#policy.save(this.#machine.now()),
      ending: this.ending,
      members: Array.from(this.records.values(), record => ({ ...record })),
      taken: this.taken,
      filters: this.#filters.save(),
      departed: this.departed,
      wanted: this.wanted,
      described: this.described,
      heldDown: [...this.heldDown],
    };
  }

  /**
   * One input, and all that follows from it. With `strict`, the first action that fails is thrown (joining is undone
   * then); otherwise it is noted and the rest goes on.
   */
  feed(input: Input, options: { readonly strict?: boolean } = {}): Result<undefined, Refusal> {
    const handled = this.#policy.handle(input, this.#machine.now());
    if (input.kind === 'set-option') this.links.follow(this.#policy.snapshot());
    if (['set-option', 'leave', 'bond-link'].includes(input.kind))
      this.#guard(() => this.#senses.follow(this.#policy.snapshot()));
    this.#carryOut(this.#policy.outputs(), options.strict ?? false);
    this.#arm();
    return handled;
  }

  /** Carries out what is waiting since the policy was made. */
  start(): void {
    this.#carryOut(this.#policy.outputs(), false);
    this.#arm();
  }

  /** Looks again at what stands on the bond, if something may have changed since. */
  refreshStack(collect: typeof collectStack = collectStack): void {
    this.#guard(() => {
      const devices = collect(this.#machine.netlink, this.plane.bondIfindex);
      this.#stack = new Set([this.plane.bondIfindex, ...devices.map(({ ifindex }) => ifindex)]);
      this.#policy.handle({ kind: 'stack', devices }, this.#machine.now());
      this.#stackDirty = false;
    });
  }

  /** True when the interface is the bond, or stands on it. */
  carries(ifindex: number): boolean {
    return this.#stack.has(ifindex);
  }

  /** Addresses, groups or devices on top changed. */
  stackChanged(): void {
    this.#stackDirty = true;
    if (this.#willLook || this.#closed) return;
    this.#willLook = true;
    setImmediate(() => {
      this.#willLook = false;
      if (this.#closed || !this.#stackDirty) return;
      this.refreshStack(collectStackInTurn);
      this.#filters.sync();
      this.vlans.changed();
    });
  }

  /** The kernel told something of the bond's own interface. */
  bondTold(link: Link): void {
    const before = this.#policy.snapshot();
    const told = this.#withAddress(bondLinkOf(link), before.address);
    if (told.adminUp !== before.adminUp) this.refreshStack();
    if (told.name !== before.name) this.#guard(() => this.plane.renamed(told.name));
    if (told.mtu !== before.mtu) this.#followMtu(told.mtu, before.mtu);
    else this.feed(told);
    if (told.adminUp !== before.adminUp || told.address !== before.address) this.#filters.sync();
    this.#departures.bringUp(told.address);
    this.vlans.told(link);
    this.#machine.save(this);
  }

  /** The kernel told something of a member. */
  memberTold(link: Link): void {
    const known = this.#member(link.ifindex);
    if (known === undefined) return;
    const facts = this.links.linkOf(link);
    if (known.carrier !== facts.carrier || known.adminUp !== facts.adminUp) this.refreshStack();
    this.feed({ kind: 'member-link', member: link.ifindex, link: facts });
    this.vlans.told(link);
    const record = this.records.get(link.ifindex);
    if (record !== undefined && record.original.name !== facts.name) {
      record.original = { ...record.original, name: facts.name };
      this.#machine.save(this);
    }
  }

  /** A member got another qdisc, or lost one. */
  qdiscTold(): void {
    this.#guard(() => this.plane.qdiscsChanged());
  }

  /** A member's interface is gone: deleted, or moved to another namespace (then its id there, if the kernel told). */
  memberGone(member: number, isGivenAway = false): void {
    this.refreshStack();
    const again = awaitedAgain(this.saved(), member, this.#policy.snapshot(), isGivenAway);
    if (again !== undefined) this.wanted = again.wanted;
    this.feed({ kind: 'leave', member, cause: 'gone' });
    if (again !== undefined) this.#tell(again.event);
    this.#machine.save(this);
  }

  /** Asks every member and the bond afresh: after events were lost, and when a bond was adopted. False when the bond is gone. */
  resync(): boolean {
    if (!this.#askBond()) return false;
    for (const member of this.#policy.members()) {
      const link = getLink(this.#machine.netlink, member.member);
      if (link === undefined) this.memberGone(member.member);
      else this.memberTold(link);
    }
    const current = this.plane.current();
    const { active } = this.#policy.snapshot();
    if (active !== null && current !== null && current !== active) this.#diverted(active, current);
    this.stackChanged();
    return true;
  }

  #askBond(): boolean {
    const bond = getLink(this.#machine.netlink, this.plane.bondIfindex);
    if (bond !== undefined) this.bondTold(bond);
    return bond !== undefined;
  }

  /** Goes on with a bond that an earlier daemon left: what happened since is taken in, then plan and carrier are made true. */
  adopt(): void {
    // What stood on it when the state was written is old: peers are to be told of what stands on it now.
    this.refreshStack();
    // The bond's own link first: peers are not to be told an address that somebody changed meanwhile.
    this.#askBond();
    this.#guard(() => this.plane.pollDiversions());
    this.resync();
    this.#guard(() => this.plane.apply(this.#policy.plan()));
    this.#guard(() => this.plane.setCarrier(this.#policy.snapshot().carrier));
  }

  #diverted(from: number, to: number): void {
    this.refreshStack();
    this.feed({ kind: 'diverted', from, to });
    // The policy holds the member for dead until the kernel says how it is.
    const link = getLink(this.#machine.netlink, from);
    if (link !== undefined) this.memberTold(link);
  }

  /** Stops running it; packets go on. A bond without carrier is given it back: nobody would, once links return. */
  leaveInPlace(): void {
    this.#stop();
    if (!this.#policy.snapshot().carrier && this.records.size > 0) {
      this.#guard(() => this.plane.setCarrier(true));
    }
    this.plane.close();
  }

  /** What was held down comes up, as the bond is ending. */
  releaseHeld(): void {
    this.#departures.bringUp(undefined);
  }

  /** Ends it without a trace; `deleted` when somebody else deleted the interface. */
  takeDown(): void {
    this.#stop();
    this.plane.destroy();
  }

  #stop(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#filters.close();
    this.vlans.close();
    this.#frames.close();
    this.#senses.close();
  }

  #member(ifindex: number) {
    return this.#policy.members().find(member => member.member === ifindex);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const deadline = this.#policy.deadline();
    if (deadline === null || this.#closed) return;
    const wait = Math.min(Math.max(0, Math.ceil(deadline - this.#machine.now())), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#guard(() => this.#tick()), wait);
  }

  /** A deadline: the carriers are asked for first, as the driver's monitor does (and events may be held back by 1 s). */
  #tick(): void {
    for (const member of this.#policy.members()) {
      const news = this.links.news(member);
      if (news !== undefined) this.memberTold(news);
    }
    this.#sense();
    this.feed({ kind: 'time' });
  }

  /** What the ARP monitor decides by, fresh for its tick. */
  #sense(): void {
    const snapshot = this.#policy.snapshot();
    if (snapshot.options.arp_interval === 0) return;
    if (this.#stackDirty) this.refreshStack();
    this.#guard(() => {
      this.#senses.follow(snapshot);
      const routes = this.#senses.changedRoutes(snapshot);
      if (routes !== undefined) this.feed({ kind: 'routes', routes });
      this.#policy.handle({ kind: 'heard', heard: this.#senses.heard() }, this.#machine.now());
    });
  }

  #carryOut(outputs: readonly Output[], strict: boolean): void {
    // Told last: writing it down takes time, in which packets would be lost and peers not know.
    const events: BondEvent[] = [];
    try {
      for (const output of outputs) {
        if (output.kind === 'event') events.push(output.event);
        else if (strict) this.#perform(output);
        else this.#guard(() => this.#perform(output));
      }
    } finally {
      for (const event of this.#departures.untold(events)) this.#tell(event);
    }
    this.#guard(() => this.#filters.follow());
    // Those are sent all the time; the times that follow from them start anew with a new daemon.
    if (outputs.some(({ kind }) => kind !== 'probe' && kind !== 'send-through')) this.#machine.save(this);
  }

  /** Nothing that fails here may stop the daemon or the packets. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      // An interface that vanished while it was being handled: its RTM_DELLINK says so next.
      if (isErrno(error, 'ENODEV', 'ENXIO')) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#machine.log.error({ err: error, bond: this.name }, 'an action failed');
      this.#machine.journal.add(this.name, { severity: 'error', type: 'daemon', message });
    }
  }

  #perform(output: Exclude<Output, { kind: 'event' }>): void {
    if (isLinkOutput(output)) {
      changeLink(this.#machine.netlink, this.plane.bondIfindex, output, (member, isRefused) =>
        this.#filters.receiveAll(member, 'address', isRefused),
      );
      return;
    }
    switch (output.kind) {
      case 'detach-member':
        this.#departures.detach(output.member, { restoreAddress: output.restoreAddress });
        return;
      case 'carrier':
        this.plane.setCarrier(output.on);
        return;
      case 'forward':
        this.#forward(output.plan);
        return;
      case 'send':
        this.#frames.send(output.device, output.frame);
        return;
      case 'probe':
      case 'send-through':
        this.#frames.sendThrough(output);
        return;
      default:
        unreachable(output);
    }
  }

  #forward(plan: ForwardingPlan): void {
    const old = this.#plan;
    this.#plan = plan;
    this.plane.apply(plan);
    if (plan.active !== null && plan.active !== old.active) this.#ended = outageOf(this.plane);
    this.#filters.planned(plan);
  }

  /** Goes on with a leaving that an earlier daemon did not finish. */
  finishLeaving(member: number, leaving: Leaving): void {
    this.#guard(() => this.#departures.detach(member, leaving));
    if (this.#policy.members().some(other => other.member === member)) this.memberGone(member);
    this.#machine.save(this);
  }

  #tell(event: BondEvent): void {
    const known = event.type === 'failover' ? this.#ended : {};
    this.#machine.journal.add(this.name, event, known);
    const level = event.severity === 'warning' ? 'warn' : event.severity;
    this.#machine.log[level]({ bond: this.name, type: event.type, ...known }, event.message);
  }

  /** Somebody changed the bond's MTU. */
  #followMtu(mtu: number, before: number): void {
    const { netlink, journal } = this.#machine;
    const failed = giveMtu(netlink, this.plane, [...this.records.keys()], mtu, before);
    if (failed !== undefined) {
      const message = `The MTU ${mtu} of ${this.name} was taken back to ${before}: ${failed}`;
      journal.add(this.name, { severity: 'error', type: 'mtu', message });
      return;
    }
    const link = getLink(netlink, this.plane.bondIfindex);
    if (link !== undefined) this.feed(bondLinkOf(link));
  }

  /** Somebody may have changed the bond's MAC address: it has it if its members take it, and else has its old one back. */
  #withAddress<T extends { readonly address: string }>(told: T, before: string): T {
    const { netlink } = this.#machine;
    const wishes = this.#policy.addressesFor(told.address);
    const failed = giveAddresses(netlink, { ifindex: this.plane.bondIfindex, before }, wishes);
    if (failed === undefined) return told;
    const message = `The MAC address ${told.address} of ${this.name} was taken back to ${before}: ${failed}`;
    this.#tell({ severity: 'error', type: 'address', message });
    return { ...told, address: before };
  }
}
