// Keeps one bond: gives the policy what the world says, by the host's ports, and carries out what it answers. The same code in a
// daemon, in the simulator and in tests.
import type { Refusal, Result } from '../base/index.js';
import {
  type BondEvent,
  type ForwardingPlan,
  type Input,
  type Kept,
  type MemberIndex,
  type MemberLink,
  type Output,
} from '../policy/index.js';
import { Alarm } from './alarm.js';
import { awaitedAgain } from './awaited.js';
import { Departures } from './departures.js';
import { destroy, dismantle } from './ending.js';
import { giveAddresses, giveMtu } from './following.js';
import { join, undo, undoUnfinished } from './joining.js';
import type { KeeperParts, KeptPolicy } from './keeper-parts.js';
import { Leasing } from './leasing.js';
import { movesTraffic } from './moving.js';
import { outageOf } from './outage.js';
import type { BondLink, Candidate, Host, Outage } from './ports.js';
import type {
  Counters,
  Leaving,
  MemberRecord,
  SavedBelongings,
  SavedKeeping,
  WantedMember,
} from './records.js';
import { perform } from './performing.js';
import { hear, listen, MOVES_EARS, sense, senseSilence } from './sensing.js';
import { askMembers, nextDeadline, TIME } from './ticking.js';
import { guarded } from './trying.js';

/** Nobody spoke LACP while no keeper was there. */
const NOTHING_KEPT: Kept = { awayMs: 0, ports: [] };

/** Inputs that come all the time. */
const OFTEN: ReadonlySet<Input['kind']> = new Set(['time', 'slow-frame', 'arp-frame']);

export class BondKeeper<H extends Host = Host> {
  readonly host: H;
  readonly policy: KeptPolicy;
  readonly records: Map<MemberIndex, MemberRecord>;
  taken: readonly SavedBelongings[];
  /** What members that left had counted while they were here. */
  departed: Counters;
  /** Interfaces that are to be members whenever they are there. */
  wanted: readonly WantedMember[];
  /** Interfaces that left, and come up when the bond has another MAC address than theirs. */
  readonly heldDown: Set<MemberIndex>;
  /** True from the first step of its destruction on. */
  ending: boolean;
  readonly #departures: Departures;
  #plan: ForwardingPlan;
  #stackDirty = true;
  #willLook = false;
  /** Interface indexes of the bond and of what stood on it at the last look. */
  #stack: ReadonlySet<number>;
  /** What the last failover cost. */
  #ended: Outage = {};
  /** The ARP monitor runs. */
  #asks: boolean;
  readonly #alarm: Alarm;
  readonly #leasing: Leasing;
  readonly #hears = (member: MemberIndex, link: MemberLink): void => this.#memberIs(member, link);
  #closed = false;

  constructor({ host, policy, records, saved = {} }: KeeperParts<H>) {
    this.host = host;
    this.policy = policy;
    this.records = records;
    this.taken = saved.taken ?? [];
    this.departed = saved.departed ?? {};
    this.wanted = saved.wanted ?? [];
    this.heldDown = new Set(saved.heldDown);
    this.ending = saved.ending ?? false;
    this.#plan = policy.plan();
    this.#stack = new Set([host.packets.bondIfindex]);
    this.#departures = new Departures(host, this);
    this.#alarm = new Alarm(host.clock, () => this.#guard(() => this.#tick()));
    this.#leasing = new Leasing(
      host.packets.leases,
      policy,
      host.clock,
      action => this.#guard(action),
      event => host.book.tell(event),
    );
    this.#asks = this.#follow();
    hear(host, input => {
      if (!this.#closed) this.#guard(() => this.feed(input));
    });
    host.packets.onDiverted(({ from, to }) => {
      if (!this.#closed && from !== null) this.#diverted(from, to);
    });
  }

  get name(): string {
    return this.policy.facts().name;
  }

  get plane(): H['packets'] {
    return this.host.packets;
  }

  /** What the book keeps. */
  saved(): SavedKeeping {
    return {
      name: this.name,
      policy: this.policy.save(this.host.clock.now()),
      ending: this.ending,
      members: Array.from(this.records.values(), record => ({ ...record })),
      taken: this.taken,
      ...(Object.keys(this.departed).length > 0 && { departed: this.departed }),
      wanted: this.wanted,
      heldDown: [...this.heldDown],
    };
  }

  save(): void {
    this.host.book.save();
  }

  /**
   * One input, and all that follows from it. With `strict`, the first action that fails is thrown (joining is undone
   * then); otherwise it is noted and the rest goes on.
   */
  feed(input: Input, options: { readonly strict?: boolean } = {}): Result<undefined, Refusal> {
    const { clock, book } = this.host;
    const before = this.policy.revision();
    const handled = this.policy.handle(input, clock.now());
    // The next keeper is to know whom the host talks with.
    if (input.kind === 'arp-frame' && this.policy.revision() !== before) book.saveSoon();
    if (input.kind === 'set-option') this.#follow();
    if (MOVES_EARS.has(input.kind)) this.#guard(() => listen(this));
    this.#guard(() => this.#leasing.follow());
    const outputs = this.policy.outputs();
    // Most of them find nothing: there is nothing to tell then, and nothing that is due.
    if (!OFTEN.has(input.kind) || outputs.length > 0) this.#carryOut(outputs, options.strict ?? false);
    this.#setAlarm();
    return handled;
  }

  /** The options may be others. True when its ARP monitor runs. */
  #follow(): boolean {
    const facts = this.policy.facts();
    this.host.links.follow(facts);
    this.#asks = facts.arpIntervalMs > 0;
    return this.#asks;
  }

  /** Carries out what is waiting since the policy was made. */
  start(): void {
    this.#carryOut(this.policy.outputs(), false);
    this.#setAlarm();
  }

  #setAlarm(): void {
    this.#alarm.set(this.#closed ? null : nextDeadline(this));
  }

  /** Looks again at what stands on the bond, if something may have changed since; `shared`: see Links.stack. */
  refreshStack(shared = false): void {
    const { links, packets, clock } = this.host;
    this.#guard(() => {
      const devices = links.stack(shared);
      this.#stack = new Set([packets.bondIfindex, ...devices.map(({ ifindex }) => ifindex)]);
      this.policy.handle({ kind: 'stack', devices }, clock.now());
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
    this.host.links.whenToLook(() => {
      this.#willLook = false;
      if (this.#closed || !this.#stackDirty) return;
      this.refreshStack(true);
      this.#syncIntake();
      this.#guard(() => this.host.intake.stackChanged());
    });
  }

  #syncIntake(): void {
    this.#guard(() => this.host.intake.sync());
  }

  /** The kernel told something of the bond's own interface, which is asked how it is now. False when it is gone. */
  bondTold(): boolean {
    const link = this.host.links.bond();
    if (link !== undefined) this.#bondIs(link);
    return link !== undefined;
  }

  #bondIs(link: BondLink): void {
    const { packets, book } = this.host;
    const before = this.policy.facts();
    const told = this.#withAddress(link, before.address);
    if (told.adminUp !== before.adminUp) this.refreshStack();
    if (told.name !== before.name) this.#guard(() => packets.renamed(told.name));
    if (told.mtu !== before.mtu) this.#followMtu(told.mtu, before.mtu);
    else this.feed(told);
    if (told.adminUp !== before.adminUp || told.address !== before.address) this.#syncIntake();
    this.#departures.bringUp(told.address);
    this.#guard(() => this.host.intake.told(packets.bondIfindex));
    book.saveSoon();
  }

  /** The kernel told something of a member, which is asked how it is now. */
  memberTold(member: MemberIndex): void {
    if (this.#member(member) === undefined) return;
    const link = this.host.links.member(member);
    if (link !== undefined) this.#memberIs(member, link);
  }

  #memberIs(member: MemberIndex, link: MemberLink): void {
    const known = this.#member(member);
    if (known === undefined) return;
    if (known.carrier !== link.carrier || known.adminUp !== link.adminUp) this.refreshStack();
    this.feed({ kind: 'member-link', member, link });
    this.#guard(() => this.host.intake.told(member));
    const record = this.records.get(member);
    if (record !== undefined && record.original.name !== link.name) {
      record.original = { ...record.original, name: link.name };
      this.save();
    }
  }

  /** A member got another qdisc, or lost one. */
  qdiscTold(): void {
    this.#guard(() => this.host.packets.qdiscsChanged());
  }

  /** A member's interface is gone: deleted, or given to another namespace, where it is used. */
  memberGone(member: MemberIndex, isGivenAway = false): void {
    this.refreshStack();
    const again = isGivenAway || this.ending ? undefined : awaitedAgain(this, member, this.policy.snapshot());
    if (again !== undefined) this.wanted = again.wanted;
    this.feed({ kind: 'leave', member, cause: 'gone' });
    if (again !== undefined) this.#tell(again.event);
    this.save();
  }

  /** Asks every member and the bond afresh: after events were lost, and when a bond was adopted. False when the bond is gone. */
  resync(): boolean {
    if (!this.bondTold()) return false;
    for (const { member } of Array.from(this.policy.members())) {
      const link = this.host.links.member(member);
      if (link === undefined) this.memberGone(member);
      else this.#memberIs(member, link);
    }
    const current = this.host.packets.current();
    const { active } = this.policy.facts();
    if (active !== null && current !== null && current !== active) this.#diverted(active, current);
    this.stackChanged();
    return true;
  }

  /** Goes on with a bond that an earlier keeper left: what happened since is taken in, then plan and carrier are made true. */
  adopt(): void {
    const { packets } = this.host;
    const kept = packets.leases?.take() ?? NOTHING_KEPT;
    if (this.policy.facts().mode === '802.3ad') this.feed({ kind: 'lacp-kept', kept });
    // What stood on it when the book was written is old: peers are to be told of what stands on it now.
    this.refreshStack(true);
    // The bond's own link first: peers are not to be told an address that somebody changed meanwhile.
    this.bondTold();
    this.#guard(() => packets.pollDiversions());
    this.resync();
    this.#guard(() => packets.apply(this.policy.plan()));
    this.#guard(() => packets.setCarrier(this.policy.facts().carrier));
  }

  #diverted(from: MemberIndex, to: MemberIndex): void {
    this.refreshStack();
    this.feed({ kind: 'diverted', from, to });
    // The policy holds the member for dead until the kernel says how it is.
    this.#guard(() => this.memberTold(from));
  }

  /** An interface joins: all of it, or it is as it was, and why. */
  join(candidate: Candidate): Result<undefined, Refusal> {
    return join(this, candidate);
  }

  /** Gives an interface back as it was, wherever in its joining it stands. */
  undo(ifindex: MemberIndex): void {
    undo(this, ifindex);
  }

  /** Undoes the joinings that an earlier keeper did not finish, and finishes the leavings. */
  undoUnfinished(): void {
    undoUnfinished(this);
  }

  /** Goes on with a leaving that an earlier keeper did not finish. */
  finishLeaving(member: MemberIndex, leaving: Leaving): void {
    this.#guard(() => this.#departures.detach(member, leaving));
    if (this.#member(member) !== undefined) this.memberGone(member);
    this.save();
  }

  /** An option is set: peers are told of what stands on the bond now, where it may change who sends. */
  setOption(option: string, value: string): Result<undefined, Refusal> {
    if (movesTraffic(option)) this.refreshStack();
    return this.feed({ kind: 'set-option', option, value });
  }

  /** Members leave, and are not wanted any more; nor are those of these names that are not there. */
  release(members: readonly MemberIndex[], names: readonly string[]): void {
    this.refreshStack();
    this.wanted = this.wanted.filter(
      ({ name, ifindex }) => !names.includes(name) && !members.some(member => member === ifindex),
    );
    for (const member of new Set(members)) this.feed({ kind: 'leave', member, cause: 'released' });
    this.host.book.saveSoon();
  }

  /** Stops keeping it; packets go on. A bond without carrier is given it back: nobody would, once links return. */
  leaveInPlace(): void {
    this.stop();
    const { packets } = this.host;
    this.#guard(() => this.#leasing.handOver());
    if (!this.policy.facts().carrier && this.records.size > 0) this.#guard(() => packets.setCarrier(true));
    this.#guard(() => packets.close());
  }

  /** Ends the bond. All but many routes is done when this returns; `done` comes when those are. */
  destroy(done: () => void): void {
    destroy(this, done);
  }

  /** As `destroy`, of a bond whose interface may be gone, or whose end began already. */
  dismantle(done: () => void): void {
    dismantle(this, () => {}, done);
  }

  /** What was held down comes up, as the bond is ending. */
  releaseHeld(): void {
    this.#departures.bringUp(undefined);
  }

  /** Ends it without a trace. */
  takeDown(): void {
    this.stop();
    this.host.packets.destroy();
  }

  /** Hears and does nothing any more. */
  stop(): void {
    this.#closed = true;
    this.#alarm.set(null);
    this.#leasing.stop();
    this.#guard(() => this.host.intake.close());
    this.#guard(() => this.host.frames.close());
  }

  #member(ifindex: MemberIndex) {
    return this.policy.members().find(member => member.member === ifindex);
  }

  /** A deadline. */
  #tick(): void {
    askMembers(this, this.#hears);
    // After a busy moment timers run before sockets are looked at.
    this.host.frames.pollSlow();
    if (this.#asks) this.#sense();
    if (this.policy.facts().watchesSilence) this.#guard(() => senseSilence(this));
    this.feed(TIME);
  }

  /** What the ARP monitor decides by, fresh for its tick. */
  #sense(): void {
    if (this.#stackDirty) this.refreshStack();
    this.#guard(() => sense(this));
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
    this.#guard(() => this.host.intake.follow());
    // Those are sent all the time; the times that follow from them start anew with a new keeper.
    if (outputs.some(({ kind }) => kind !== 'probe' && kind !== 'send-through')) this.host.book.saveSoon();
  }

  /** Nothing that fails here may stop the keeper or the packets. */
  #guard(action: () => void): void {
    guarded(this.host.book, action);
  }

  #perform(output: Exclude<Output, { kind: 'event' }>): void {
    if (output.kind === 'detach-member')
      this.#departures.detach(output.member, { restoreAddress: output.restoreAddress });
    else if (output.kind === 'forward') this.#forward(output.plan);
    else perform(this.host, output);
  }

  #forward(plan: ForwardingPlan): void {
    const { packets, clock, intake } = this.host;
    const old = this.#plan;
    this.#plan = plan;
    packets.apply(plan);
    if (plan.active !== null && plan.active !== old.active) this.#ended = outageOf(packets, clock.now());
    intake.planned(plan);
  }

  #tell(event: BondEvent): void {
    this.host.book.tell(event, event.type === 'failover' ? this.#ended : {});
  }

  /** Somebody changed the bond's MTU. */
  #followMtu(mtu: number, before: number): void {
    const refused = giveMtu(this.host, this, mtu, before);
    const link = refused === undefined ? this.host.links.bond() : undefined;
    if (refused !== undefined) this.#tell(refused);
    else if (link !== undefined) this.feed(link);
  }

  /** Somebody may have changed the bond's MAC address: it has it if its members take it, and else has its old one back. */
  #withAddress(told: BondLink, before: string): BondLink {
    const wishes = this.policy.addressesFor(told.address);
    const refused = giveAddresses(this.host, { name: this.name, before, told: told.address }, wishes);
    if (refused === undefined) return told;
    this.#tell(refused);
    return { ...told, address: before };
  }
}
