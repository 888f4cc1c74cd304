// A small driver of a bond for the tests of this room: virtual time, members by name, events collected.
import { type Bond, createBond } from './bond.js';
import type {
  BondEvent,
  MemberIndex,
  Input,
  LinkState,
  MemberLink,
  MemberSnapshot,
  Output,
  StackedDevice,
} from './contract.js';
import type { ForwardingPlan, PlannedMember } from './forwarding-plan.js';

/** A member's link as a fresh 1 Gbit/s interface has it. */
export function linkOf(index: number, change: Partial<MemberLink> = {}): MemberLink {
  return {
    name: `eth${index}`,
    address: `02:00:00:00:00:0${index}`,
    mtu: 1500,
    adminUp: true,
    carrier: true,
    speedMbps: 1000,
    duplex: 'full',
    ...change,
  };
}

/** The bond's own interface with one address. */
export function stackOf(change: Partial<StackedDevice> = {}): StackedDevice {
  return {
    ifindex: 100,
    name: 'bond0',
    address: '02:00:00:00:00:00',
    adminUp: true,
    ipv4: ['192.0.2.1'],
    ipv6: [],
    forwarding: false,
    ipv4Groups: [],
    igmpVersion: 3,
    ipv6Groups: [],
    mldVersion: 2,
    ...change,
  };
}

/** A bond under virtual time. Times in ms. */
export class Bench {
  readonly bond: Bond;
  now: number = 0;
  readonly seen: { readonly at: number; readonly output: Output }[] = [];
  readonly links: Map<number, MemberLink> = new Map();

  constructor(options: Readonly<Record<string, string | number>> = {}, members: readonly number[] = []) {
    const given = Object.entries({ mode: 'active-backup', miimon: 100, inline_failover: 0, ...options });
    const made = createBond({
      name: 'bond0',
      address: '02:00:00:00:00:99',
      addressIsRandom: true,
      mtu: 1500,
      options: given.map(([name, value]) => [name, String(value)] as const),
    });
    if (!made.ok) throw new Error(made.error.message);
    this.bond = made.value;
    this.drain();
    for (const member of members) this.join(member);
  }

  drain(): void {
    for (const output of this.bond.outputs()) this.seen.push({ at: this.now, output });
  }

  give(input: Input): string | null {
    const handled = this.bond.handle(input, this.now);
    this.drain();
    return handled.ok ? null : handled.error.errno;
  }

  set(option: string, value: string | number): string | null {
    return this.give({ kind: 'set-option', option, value: String(value) });
  }

  join(member: number, change: Partial<MemberLink> = {}, canSetAddress = true): string | null {
    const link = linkOf(member, change);
    this.links.set(member, link);
    return this.give({ kind: 'join', member, link, permanentAddress: link.address, canSetAddress });
  }

  leave(member: number, cause: 'released' | 'gone' | 'undo' = 'released'): string | null {
    return this.give({ kind: 'leave', member, cause });
  }

  /** The kernel tells the member's link; addresses and MTU as the bond set them. */
  link(member: number, change: Partial<MemberLink>): void {
    const own = this.member(member);
    const link = { ...(this.links.get(member) ?? linkOf(member)), address: own.address, ...change };
    this.links.set(member, link);
    this.give({ kind: 'member-link', member, link });
  }

  up(adminUp = true): void {
    const { name, mtu, address } = this.bond.snapshot();
    this.give({ kind: 'bond-link', name, adminUp, mtu, address, promiscuous: false, allMulticast: false });
  }

  /** Lets time pass to `until`, running each deadline when it is due. */
  run(until: number): void {
    for (;;) {
      const due = this.bond.deadline();
      if (due === null || due > until) break;
      this.now = Math.max(this.now, due);
      this.give({ kind: 'time' });
    }
    this.now = until;
  }

  member(member: number): MemberSnapshot {
    const found = this.bond.snapshot().members.find(each => each.member === member);
    if (found === undefined) throw new Error(`No member ${member}`);
    return found;
  }

  state(member: number): LinkState {
    return this.member(member).link;
  }

  get active(): string | null {
    return this.bond.snapshot().options.active_slave;
  }

  events(type: BondEvent['type']): BondEvent[] {
    return this.seen.flatMap(({ output }) =>
      output.kind === 'event' && output.event.type === type ? [output.event] : [],
    );
  }

  /** Times at which frames of one kind were sent. */
  sent(what: 'arp' | 'na' | 'igmp' | 'mld'): number[] {
    return this.seen.flatMap(({ at, output }) =>
      output.kind === 'send' && output.what === what ? [at] : [],
    );
  }

  outputs<K extends Output['kind']>(kind: K): Extract<Output, { kind: K }>[] {
    return this.seen.flatMap(({ output }) =>
      output.kind === kind ? [output as Extract<Output, { kind: K }>] : [],
    );
  }

  forget(): void {
    this.seen.length = 0;
  }
}

/** A member of a plan by hand: usable, and nothing else. */
export function planned(member: MemberIndex, change: Partial<PlannedMember> = {}): PlannedMember {
  return {
    member,
    usable: true,
    heardBesides: false,
    queue: 0,
    balance: null,
    carriesFilters: false,
    carriesGroups: false,
    hearsQuestions: false,
    ...change,
  };
}

/** A plan by hand, without members; member 11 is active. */
export const PLAN: ForwardingPlan = {
  mode: 'active-backup',
  active: 11,
  members: [],
  hashPolicy: 'layer2',
  byLoad: false,
  rebalance: 0,
  packetsPerSlave: 1,
  inlineFailover: true,
  timesReception: false,
  receivers: null,
  promiscuous: false,
  allMulticast: false,
  askingAddresses: [],
  questionGroups: [],
};

/** Up for a second, and nothing of that is kept. */
export function started(options: Record<string, string | number> = {}, members: number[] = [1, 2]): Bench {
  const bench = new Bench(options, members);
  bench.up();
  bench.run(1000);
  bench.forget();
  return bench;
}

/** Takes a link down or up and waits for the monitor. */
export function cut(bench: Bench, member: number, carrier = false): string | null {
  bench.link(member, { carrier });
  bench.run(bench.now + 100);
  return bench.active;
}
