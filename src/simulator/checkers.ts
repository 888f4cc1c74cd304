// What must always hold in a simulated network, looked at on every step and, for what depends on time passing, every
// CHECK_EVERY_MS. Each rule is stated where it is checked; docs/simulator.md lists them for people.
import type { BondSnapshot } from '../policy/index.js';
import type { ChannelGroup } from './channel-group.js';
import type { Clock } from './clock.js';
import type { Host } from './host.js';
import { LacpRules } from './lacp-rules.js';
import { isAggregated, isBalanced, isSpread } from './mode-kinds.js';
import type { NetworkInterface } from './network-interface.js';
import type { Pace } from './bond-world.js';
import type { Rule, Violation } from './rules.js';
import type { SimulatedBond } from './simulated-bond.js';

export const CHECK_EVERY_MS = 20;
/** Beyond delays, ticks and news: rounding. */
const SLACK_MS = 2;
const MOST_VIOLATIONS = 20;

interface Life {
  failures: Map<string, number>;
  /** The most ticks of updelay and downdelay that a member may still wait. */
  upTicks: number;
  downTicks: number;
  miimon: number;
  /** Since when the time rules may be applied without a break. */
  steadySince: number;
  /** Since when each member can, or cannot, send. */
  since: Map<string, { canSend: boolean; ms: number }>;
  active: string | null;
  /** active_slave was set by hand since the active member last changed by itself. */
  byHand: boolean;
  garpsBefore: number;
  lastSnapshot: BondSnapshot;
}

export class Checkers {
  readonly violations: Violation[] = [];
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #lives = new Map<SimulatedBond, Life>();
  readonly #lacpRules = new LacpRules();

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  report(rule: Rule, of: string, message: string): void {
    if (this.violations.length < MOST_VIOLATIONS) {
      this.violations.push({ atMs: this.#clock.now, rule, of, message });
    }
  }

  /** A policy handled an input and everything was carried out. */
  stepped(hostName: string, bond: SimulatedBond): void {
    const of = `${hostName}/${bond.name}`;
    const snapshot = bond.snapshot();
    const life = this.#life(bond, snapshot);
    this.#followOptions(life, bond, snapshot);
    if (bond.policy === null) return;
    if (isAggregated(snapshot.mode)) this.#lacp(of, bond, snapshot);
    else this.#oneActive(of, bond, snapshot);
    this.#counters(of, life, snapshot);
    if (bond.newsPending === 0) this.#addresses(of, bond, snapshot);
    this.#peersTold(of, life, bond, snapshot);
    this.#carrierWord(of, bond, snapshot);
    const { active_slave: active } = snapshot.options;
    if (active !== life.active) life.byHand = false;
    life.active = active;
    life.garpsBefore = bond.garpsSent;
    life.lastSnapshot = snapshot;
  }

  /** LACP of a channel group of a switch did something. The rule `lacp` is for it too. */
  grouped(owner: string, group: ChannelGroup): void {
    const lacp = group.snapshot();
    if (lacp === null) return;
    const of = `${owner} group ${group.name}`;
    const members = group.ports.map(({ number, name }) => ({ member: number, name }));
    const senders = group.carrying().map(({ name }) => name);
    const seen = { lacp, members, options: { lacp_fallback: 'off', lacp_quirks: 0 } } as const;
    for (const fault of this.#lacpRules.faults(of, seen, senders, this.#clock.now, 0))
      this.report('lacp', of, fault);
  }

  /** A user set active_slave, or prio where the driver does not choose again at once. */
  byHand(bond: SimulatedBond): void {
    const life = this.#lives.get(bond);
    if (life !== undefined) life.byHand = true;
  }

  /** An interface changed: since when links are as they are must be known exactly. */
  linkChanged(host: Host): void {
    for (const bond of host.bonds) {
      const life = this.#lives.get(bond);
      if (life !== undefined) this.#followLinks(life, bond);
    }
  }

  /** Rules that time passing may break. */
  look(host: Host): void {
    for (const nic of host.interfaces) this.#restored(host, nic);
    for (const bond of host.bonds) {
      const life = this.#lives.get(bond);
      if (life === undefined) continue;
      this.#followLinks(life, bond);
      if (bond.policy !== null && bond.adminUp && life.miimon > 0 && !isAggregated(bond.snapshot().mode)) {
        this.#neverNone(`${host.name}/${bond.name}`, life, bond);
        this.#carrierTruth(`${host.name}/${bond.name}`, life, bond);
      }
    }
  }

  /** After quiet time: the state follows from links and options. */
  atEnd(host: Host, quietMs: number): void {
    for (const bond of host.bonds) {
      const life = this.#lives.get(bond);
      if (life === undefined || bond.policy === null || !bond.adminUp || life.miimon === 0) continue;
      if (isAggregated(bond.snapshot().mode)) continue;
      const wait = this.#patience(life, Math.max(life.upTicks, life.downTicks));
      if (quietMs < wait || this.#clock.now - life.steadySince < wait) continue;
      this.#noHistory(`${host.name}/${bond.name}`, life, bond);
    }
  }

  #life(bond: SimulatedBond, snapshot: BondSnapshot): Life {
    const known = this.#lives.get(bond);
    if (known !== undefined) return known;
    const life: Life = {
      failures: new Map(),
      upTicks: 0,
      downTicks: 0,
      miimon: 0,
      steadySince: this.#clock.now,
      since: new Map(),
      active: null,
      byHand: false,
      garpsBefore: 0,
      lastSnapshot: snapshot,
    };
    this.#lives.set(bond, life);
    return life;
  }

  /** A change of monitor, delays, daemon or administrative state starts the clocks of the time rules anew. */
  #followOptions(life: Life, bond: SimulatedBond, snapshot: BondSnapshot): void {
    const { miimon, updelay, downdelay } = snapshot.options;
    const ticks = (delay: number): number => (miimon === 0 ? 0 : Math.round(delay / miimon));
    const before = `${life.miimon} ${life.upTicks} ${life.downTicks}`;
    life.upTicks = Math.max(life.upTicks, ticks(updelay));
    life.downTicks = Math.max(life.downTicks, ticks(downdelay));
    life.miimon = miimon;
    const changed = before !== `${life.miimon} ${life.upTicks} ${life.downTicks}`;
    const stopped = bond.policy === null || !bond.adminUp || snapshot.adminUp !== life.lastSnapshot.adminUp;
    if (changed || stopped) life.steadySince = this.#clock.now;
  }

  #followLinks(life: Life, bond: SimulatedBond): void {
    const { now } = this.#clock;
    const { members } = bond;
    for (const nic of members) {
      const known = life.since.get(nic.name);
      if (known?.canSend !== nic.canSend) life.since.set(nic.name, { canSend: nic.canSend, ms: now });
    }
    if (life.since.size > members.length) {
      const names = new Set(members.map(nic => nic.name));
      for (const name of life.since.keys()) if (!names.has(name)) life.since.delete(name);
    }
    if (bond.policy === null || !bond.adminUp) life.steadySince = now;
  }

  /** How long the monitor may take to see and to act on a change: the delay, two ticks, news, and our own looking. */
  #patience(life: Life, ticks: number): number {
    const { linkWatchMs, newsMs, timerLateMs } = this.#pace;
    return (
      ticks * life.miimon +
      2 * (life.miimon + timerLateMs) +
      timerLateMs * ticks +
      linkWatchMs +
      newsMs +
      CHECK_EVERY_MS +
      SLACK_MS
    );
  }

  /** For how long a member's link has been as it is, counted only while the rules applied. */
  #heldMs(life: Life, since: { readonly ms: number }): number {
    return this.#clock.now - Math.max(since.ms, life.steadySince);
  }

  /**
   * one-active: at most one member is in state active, it is the one that the bond names and that the plan sends through;
   * and frames from all others are dropped, unless all_slaves_active. In balance-tlb and balance-alb all send, and the one that is heard by all counts.
   */
  #oneActive(of: string, bond: SimulatedBond, snapshot: BondSnapshot): void {
    if (isSpread(snapshot.mode)) {
      this.#allActive(of, snapshot);
      return;
    }
    const hearsAll = snapshot.options.all_slaves_active === 1;
    const actives = snapshot.members.filter(({ member, state, inactive }) =>
      isBalanced(snapshot.mode) ? (hearsAll ? member === snapshot.active : !inactive) : state === 'active',
    );
    if (actives.length > 1) {
      this.report('one-active', of, `${actives.map(each => each.name).join(' and ')} are active at once`);
    }
    // Without an active member, the ARP monitor lets one after the other ask, and be heard.
    const isProbing = snapshot.options.arp_interval > 0 && snapshot.active === null;
    if ((actives[0]?.member ?? null) !== snapshot.active && !isProbing) {
      this.report(
        'one-active',
        of,
        `the active member is ${snapshot.active}, but ${actives[0]?.name ?? 'none'} is in state active`,
      );
    }
    const accepting = bond.plane.acceptingAlways();
    if (accepting.length > (isProbing ? 1 : 0) && snapshot.options.all_slaves_active === 0) {
      this.report(
        'one-active',
        of,
        `frames received by ${accepting.length + 1} members are let through at once`,
      );
    }
    const { current } = bond.plane;
    const mayDiffer = snapshot.options.inline_failover === 1;
    if (current !== snapshot.active && !mayDiffer) {
      this.report(
        'one-active',
        of,
        `interface ${current} sends although ${snapshot.active} is the active member`,
      );
    }
  }

  /** lacp: see `LacpRules`. */
  #lacp(of: string, bond: SimulatedBond, snapshot: BondSnapshot): void {
    const senders = bond.plane.usable().map(({ name }) => name);
    const lateMs = this.#pace.timerLateMs;
    const faults = this.#lacpRules.faults(of, snapshot, senders, this.#clock.now, lateMs);
    for (const fault of faults) this.report('lacp', of, fault);
  }

  /** one-active where all members send and are heard: no member is kept out, and none is the active one. */
  #allActive(of: string, { active, members }: BondSnapshot): void {
    const out = members.find(member => member.state !== 'active' || member.inactive);
    if (out !== undefined) this.report('one-active', of, `${out.name} is kept out although all members work`);
    if (active !== null)
      this.report('one-active', of, `interface ${active} is active in a mode that has none`);
  }

  /** counters-grow: failure counts never go back while a member stays. */
  #counters(of: string, life: Life, snapshot: BondSnapshot): void {
    const fresh = new Map<string, number>();
    for (const member of snapshot.members) {
      const was = life.failures.get(member.name) ?? 0;
      if (member.linkFailureCount < was) {
        this.report(
          'counters-grow',
          of,
          `the failure count of ${member.name} went from ${was} to ${member.linkFailureCount}`,
        );
      }
      fresh.set(member.name, member.linkFailureCount);
    }
    life.failures = fresh;
  }

  /**
   * addresses: with fail_over_mac none all members have the bond's; with active each has its own and the bond the active
   * one's; with follow, in balance-tlb and balance-alb, no two have the same and the active one has the bond's.
   */
  #addresses(of: string, bond: SimulatedBond, snapshot: BondSnapshot): void {
    const ownAddresses = isBalanced(snapshot.mode) ? 'follow' : 'none';
    const word = snapshot.mode === 'active-backup' ? snapshot.options.fail_over_mac : ownAddresses;
    const macs = bond.members.map(nic => nic.mac);
    const active = bond.members.find(nic => nic.ifindex === snapshot.active);
    if (word === 'none') {
      const other = bond.members.find(nic => nic.mac !== bond.mac);
      if (other !== undefined)
        this.report('addresses', of, `${other.name} has ${other.mac}, the bond ${bond.mac}`);
      return;
    }
    if (active !== undefined && active.mac !== bond.mac) {
      this.report('addresses', of, `active ${active.name} has ${active.mac}, the bond ${bond.mac}`);
    }
    if (new Set(macs).size !== macs.length)
      this.report('addresses', of, `two members have one address: ${macs.join(', ')}`);
    if (word !== 'active') return;
    const changed = bond.members.find(nic => nic.mac !== nic.permanentMac);
    if (changed !== undefined)
      this.report('addresses', of, `${changed.name} has not its own address but ${changed.mac}`);
  }

  /**
   * peers-told: when another member becomes active while the bond is up and has carrier, one gratuitous ARP request goes
   * out in that very moment for each IPv4 address (unless num_grat_arp is 0).
   */
  #peersTold(of: string, life: Life, bond: SimulatedBond, snapshot: BondSnapshot): void {
    if (snapshot.mode !== 'active-backup') return;
    const { active_slave: active, num_grat_arp: wanted } = snapshot.options;
    const moved = active !== null && active !== life.active && life.lastSnapshot.carrier && snapshot.carrier;
    const isUp = bond.adminUp && snapshot.adminUp && life.lastSnapshot.adminUp;
    const own = bond.addresses.filter(each => !each.includes(':')).length;
    if (!moved || !isUp || wanted === 0 || bond.garpsSent - life.garpsBefore >= own) return;
    this.report(
      'peers-told',
      of,
      `nobody was told that ${active} is active instead of ${life.active ?? 'none'}`,
    );
  }

  /** carrier-truth, its word: the interface has carrier exactly while some member's link is UP. */
  #carrierWord(of: string, bond: SimulatedBond, snapshot: BondSnapshot): void {
    const expected = snapshot.members.some(member => member.link === 'up');
    if (snapshot.carrier !== expected && !isAggregated(snapshot.mode)) {
      this.report(
        'carrier-truth',
        of,
        `carrier is said to be ${snapshot.carrier ? 'on' : 'off'} with ${expected ? 'a' : 'no'} link up`,
      );
    }
    if (bond.plane.carrier !== snapshot.carrier && snapshot.members.length > 0) {
      this.report(
        'carrier-truth',
        of,
        `the interface has ${bond.plane.carrier ? '' : 'no '}carrier, the bond says otherwise`,
      );
    }
  }

  /**
   * carrier-truth, its matter: on when a member could send for longer than updelay and the monitor take; off when none
   * could for longer than the monitor takes (downdelay does not hold the carrier).
   */
  #carrierTruth(of: string, life: Life, bond: SimulatedBond): void {
    let longUp = false;
    let allDown = life.since.size > 0;
    for (const each of life.since.values()) {
      const heldMs = this.#heldMs(life, each);
      longUp ||= each.canSend && heldMs > this.#patience(life, life.upTicks);
      allDown &&= !each.canSend && heldMs > this.#patience(life, 0);
    }
    if (longUp && !bond.plane.carrier)
      this.report('carrier-truth', of, 'no carrier although a member can send');
    if (allDown && bond.plane.carrier)
      this.report('carrier-truth', of, 'carrier although no member can send');
  }

  /**
   * never-none: when a member could send for longer than updelay and the monitor take, a member sends; and it is not one
   * that could not send for longer than downdelay and the monitor take.
   */
  #neverNone(of: string, life: Life, bond: SimulatedBond): void {
    const eligible = this.#eligible(life);
    if (eligible === null) return;
    const current = bond.members.filter(nic => nic.ifindex === bond.plane.current);
    const senders = isSpread(bond.snapshot().mode) ? bond.plane.usable() : current;
    if (senders.length === 0)
      this.report('never-none', of, `no member sends although ${eligible} could for long enough`);
    for (const { name } of senders) {
      const since = life.since.get(name);
      const isDead =
        since !== undefined &&
        !since.canSend &&
        this.#heldMs(life, since) > this.#patience(life, life.downTicks);
      if (isDead)
        this.report(
          'never-none',
          of,
          `${name} sends although it is dead and ${eligible} could for long enough`,
        );
    }
  }

  /** A member that could send for longer than updelay and the monitor take. */
  #eligible(life: Life): string | null {
    const patience = this.#patience(life, life.upTicks);
    for (const [name, each] of life.since) {
      if (each.canSend && this.#heldMs(life, each) > patience) return name;
    }
    return null;
  }

  /** restored: an interface that is in no bond has the address and MTU that it came with. */
  #restored(host: Host, nic: NetworkInterface): void {
    if (host.bondOf(nic) !== undefined) return;
    if (nic.mac !== nic.permanentMac) {
      this.report('restored', nic.end, `it left its bond with ${nic.mac}, it came with ${nic.permanentMac}`);
    }
    if (nic.mtu !== 1500)
      this.report('restored', nic.end, `it left its bond with MTU ${nic.mtu}, it came with 1500`);
  }

  /**
   * no-history: links are as the interfaces are; nothing is active only if nothing is up; and a primary that is up is
   * active with primary_reselect=always, unless a user chose another since.
   */
  #noHistory(of: string, life: Life, bond: SimulatedBond): void {
    const snapshot = bond.snapshot();
    for (const member of snapshot.members) {
      const nic = bond.members.find(each => each.ifindex === member.member);
      const expected = nic?.canSend === true ? 'up' : 'down';
      if (member.link !== expected) {
        this.report(
          'no-history',
          of,
          `${member.name} is ${member.link} after quiet time, expected ${expected}`,
        );
      }
    }
    const up = snapshot.members.filter(member => member.link === 'up');
    if (isSpread(snapshot.mode)) {
      const senders = bond.plane.usable().map(nic => nic.name);
      const expected = up.map(member => member.name);
      if (senders.join() !== expected.join())
        this.report(
          'no-history',
          of,
          `${senders.join(' ')} send after quiet time, expected ${expected.join(' ')}`,
        );
      return;
    }
    const active = snapshot.members.find(member => member.member === snapshot.active);
    if ((active === undefined) !== (up.length === 0) || (active !== undefined && active.link !== 'up')) {
      this.report(
        'no-history',
        of,
        `the active member is ${active?.name ?? 'none'} after quiet time, up are ${up.map(each => each.name).join(' ') || 'none'}`,
      );
    }
    const { primary, primary_reselect: reselect } = snapshot.options;
    const primaryUp = up.some(member => member.name === primary);
    if (primaryUp && reselect === 'always' && !life.byHand && active?.name !== primary) {
      this.report(
        'no-history',
        of,
        `primary ${primary} is up after quiet time, but ${active?.name ?? 'none'} is active`,
      );
    }
  }
}
