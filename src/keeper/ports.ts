// What a keeper of a bond needs of the world: five small ports, and what members let in. The daemon gives them by Linux, the
// simulator by its network, tests by hand. Every call that cannot be carried out throws, and tells by the name of an errno why.
import type { MacText, Refusal } from '../base/index.js';
import type {
  BondEvent,
  BondFacts,
  ForwardingPlan,
  Heard,
  HeardAnswer,
  Input,
  Kept,
  Lease,
  MemberIndex,
  MemberLink,
  MemberSnapshot,
  Output,
  ProbeRoute,
  StackedDevice,
  TimeMs,
} from '../policy/index.js';
import type { Counters, OriginalSettings, SavedBelongings } from './records.js';

/** The bond's own interface. */
export type BondLink = Extract<Input, { readonly kind: 'bond-link' }>;

/** What of an interface is to be otherwise. */
export interface LinkChange {
  readonly up?: boolean;
  readonly address?: MacText;
  readonly mtu?: number;
}

/** What an interface was found to be and to carry when it was looked at, before it joins. */
export interface Candidate {
  /** As it was asked for: its name, or an alternative one. */
  readonly name: string;
  readonly original: OriginalSettings;
  readonly link: MemberLink;
  readonly belongings: SavedBelongings;
  readonly counted: Counters;
}

/** How belongings go back to several interfaces. */
export interface Homecoming {
  /** Addresses and the ways out. Whoever has members for homes lets them go before. */
  first(): void;
  /** All other routes, in its own time; not those over interfaces that are not free by then. `done` gets what failed, as sentences. */
  rest(isFree: (ifindex: number) => boolean, done: (problems: readonly string[]) => void): void;
}

/** Interfaces: the bond's own, its members, and what stands on it. */
export interface Links {
  /** The bond's own interface; undefined when it is gone. */
  bond(): BondLink | undefined;
  /** Any interface as the kernel has it; undefined when it is gone. */
  read(ifindex: number): MemberLink | undefined;
  /** A member, its carrier read as the bond's options say; undefined when it is gone. */
  member(member: MemberIndex): MemberLink | undefined;
  /** A member that was set up just now, its carrier asked of the device: news of it may be held back. */
  opened(member: MemberIndex): MemberLink | undefined;
  /** Asked of a member before a tick: its link, if that is not what the policy knows. */
  news(member: MemberSnapshot): MemberLink | undefined;
  /**
   * Until when none of these need be asked for news, as the kernel tells by itself whatever changes; null where they are to be asked
   * before every tick.
   */
  restUntil(members: readonly MemberSnapshot[]): TimeMs | null;
  /** The bond's options may have changed. */
  follow(facts: BondFacts): void;
  set(ifindex: number, change: LinkChange): void;
  /** Gives a member the MAC address that the bond's frames come with; the error says what helps where its driver refuses. */
  giveAddress(member: MemberIndex, address: MacText): void;
  /** A MAC address that nobody chose. */
  randomAddress(): MacText;
  /** Whether an interface, which is down, takes another MAC address at all. */
  takesAddress(ifindex: number): boolean;
  /** The bond and what stands on it, the bond first. With `shared`, the look that other bonds take at the same time will do. */
  stack(shared: boolean): readonly StackedDevice[];
  /** Calls `look`, which takes a shared look, once: at the earliest after this turn, at the latest after half a second. */
  whenToLook(look: () => void): void;
  counters(ifindex: number): Counters;

  /** Before it joins: no IPv6 of its own, no packets made of many. */
  silence(original: OriginalSettings): void;
  /** The interface is as it was. Every step is tried; what failed comes back as sentences. */
  restore(original: OriginalSettings, wish: { readonly address: boolean }): readonly string[];

  /** Takes addresses off the interface, and routes with them; those of IPv4 are on the bond at once. */
  takeOver(belongings: SavedBelongings): void;
  /** Brings the bond up with all of them and the ways out; gives what brings the other routes, once that may be. */
  bring(belongings: SavedBelongings): () => void;
  /** Takes them off the bond again. */
  takeBack(belongings: SavedBelongings): void;
  /** Gives them to the interface; what failed comes back as sentences. */
  giveBack(belongings: SavedBelongings): readonly string[];
  /**
   * At the bond's end: what goes back to each interface, without what people removed from the bond meanwhile. What they added goes to
   * the first that will be up.
   */
  planReturn(
    taken: readonly SavedBelongings[],
    willBeUp: (ifindex: number) => boolean,
  ): readonly SavedBelongings[];
  /** Gives each interface its own again; nothing is done to them yet. */
  homecoming(taken: readonly SavedBelongings[]): Homecoming;
  /** The same of a bond that is gone, all of it at once; what failed comes back as sentences. */
  returnAtOnce(taken: readonly SavedBelongings[]): readonly string[];
  /** True when somebody gave the interface addresses, routes or a master since its bond ended. */
  isUsedOtherwise(ifindex: number): boolean;
  /** Puts routes over other interfaces back that went with the addresses; what failed comes back as sentences. */
  putSourced(belongings: SavedBelongings): readonly string[];
}

/** Frames of the bond's own, and what members hear. */
export interface Frames {
  /** Out of the bond's own interface or one that stands on it. Quiet when that is gone. */
  send(output: Extract<Output, { kind: 'send' }>): void;
  /** Through one member, past the plan. Quiet when that is gone. */
  sendThrough(output: Extract<Output, { kind: 'probe' | 'send-through' }>): void;
  /** Hears on these members what may answer, and on no others. */
  listen(members: readonly MemberIndex[]): void;
  /** When each of those last received. */
  heard(): readonly Heard[];
  /** When a member last received anything, as the data plane noted; null: never, as far as it knows. */
  lastReceived(member: MemberIndex): TimeMs | null;
  /** How the targets are reached; undefined when that is as it was. */
  changedRoutes(targets: readonly string[]): readonly ProbeRoute[] | undefined;
  onAnswer(callback: (answer: HeardAnswer) => void): void;
  /** Lets frames of the slow protocols in on these members and hears them, and on no others. */
  hearSlow(members: readonly MemberIndex[]): void;
  /** From its Ethernet header on, with the tags that it came with. */
  onSlowFrame(callback: (member: MemberIndex, frame: Uint8Array) => void): void;
  /** Hears ARP on these members and what the host sends of it through the bond, and nothing else; none: nothing. */
  hearArp(members: readonly MemberIndex[]): void;
  /** From its Ethernet header on, with the tags that it came with. `member` null: the host sent it through the bond. */
  onArpFrame(callback: (member: MemberIndex | null, frame: Uint8Array) => void): void;
  /** Calls back now for frames of the slow protocols that wait. */
  pollSlow(): void;
  close(): void;
}

/** LACP that goes on while no keeper is there. */
export interface Leases {
  /** A keeper is there and looks after LACP; one that says so no more is held for gone. */
  beat(): void;
  /** Makes this what goes on without one, from now on. Null: nothing. */
  keep(lease: Lease | null): void;
  /** Why partners are answered at best, and nothing is said to them unasked: one clause; undefined where it is. */
  readonly problem?: string | undefined;
  /** What went on since the last keeper, told once; undefined where there was none, or nothing was to go on. */
  take(): Kept | undefined;
}

/** The packets of the bond, as far as its keeper has to do with them; see the data plane's contract. */
export interface Packets {
  readonly bondIfindex: number;
  /** True when it can see on every packet whether the member can send. */
  readonly checksCarrier: boolean;
  addMember(member: MemberIndex): void;
  /** Quiet when the interface is gone. */
  removeMember(member: MemberIndex): void;
  /** Makes the plan true, at once. */
  apply(plan: ForwardingPlan): void;
  /** A member got another qdisc, or lost one. */
  qdiscsChanged(): void;
  setCarrier(on: boolean): void;
  setMtu(mtu: number): void;
  renamed(bondName: string): void;
  /** The member that sends now; after a diversion not the one that the plan named. */
  current(): MemberIndex | null;
  members(): readonly MemberIndex[];
  /** Frames lost to failures since the last call, and when the first was (nanoseconds of the clock; null: none was). */
  takeLoss(): { readonly packets: number; readonly sinceNs: bigint | null };
  onDiverted(
    callback: (diversion: { readonly from: MemberIndex | null; readonly to: MemberIndex }) => void,
  ): void;
  /** Calls back now for diversions that wait, such as from before this process. */
  pollDiversions(): void;
  /** Undefined where nothing that is said goes on without this process. */
  readonly leases?: Leases | undefined;
  /** Lets go of it; packets go on where that can be. */
  close(): void;
  /** Takes it down, with everything it made. */
  destroy(): void;
}

/** What members let in: addresses, groups and VLANs of the bond. */
export interface Intake {
  /** Another plan is true now: what follows from it is due. */
  planned(plan: ForwardingPlan): void;
  /** Does what is due. */
  follow(): void;
  /** Brings the members' lists in line with the bond's. */
  sync(): void;
  /** A member took the MAC address that the bond's frames come with, or refused it: then it is to receive everything. */
  addressTaken(member: MemberIndex, isRefused: boolean): void;
  /** Before a joining member is up: what stands on it keeps its frames. */
  joins(member: MemberIndex): void;
  /** After it has joined: the bond's VLANs are let in. */
  joined(): void;
  /** The kernel told something of the bond or of a member. */
  told(ifindex: number): void;
  /** What stands on the bond may have changed. */
  stackChanged(): void;
  /** Takes everything off a member again. */
  release(member: MemberIndex): void;
  close(): void;
}

/** Milliseconds of a clock that never goes back. */
export interface Clock {
  now(): TimeMs;
  /** Runs something at a time, once, and never at once; what it gives takes that back. */
  at(deadlineMs: TimeMs, run: () => void): () => void;
}

/** What a failure cost, where that is known. */
export interface Outage {
  readonly outageMs?: number;
  readonly lostPackets?: number;
}

/** What is written down: for the next keeper, and for people. */
export interface Book {
  /** Writes down what the keeper knows; tells when it cannot, and tries again. */
  save(): void;
  /** As `save`, at the end of the turn at the latest: for what is done already. */
  saveSoon(): void;
  /** As `save`, before what must not be done when it is not written down: then it gives the refusal, which begins with `what`. */
  note(what: string): Refusal | undefined;
  tell(event: BondEvent, cost?: Outage): void;
  /** An action failed, and what comes after it goes on. */
  failed(error: unknown): void;
}

/** A bond that has members, and may hold interfaces down that left it. */
export interface Holder {
  readonly records: ReadonlyMap<MemberIndex, unknown>;
  readonly heldDown: Set<MemberIndex>;
  save(): void;
}

/** The world of one bond. */
export interface Host {
  readonly links: Links;
  readonly frames: Frames;
  readonly packets: Packets;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly book: Book;
  /** All bonds that are kept here, this one too. */
  holders(): readonly Holder[];
  /** Its interface is gone: it is a bond no more, but is written down until all is back. */
  parted(): void;
  /** It is not written down any more. */
  ended(): void;
}
