// How an interface joins a bond, in steps that are undone when one fails, also by the next daemon (invariant 2 of the house).

import { advice, err, nearestName, ok, type Refusal, type Result, refusal, shown } from '../../base/index.js';
import { hasProgram, MAX_MEMBERS, RECEIVE_PROGRAM } from '../../dataplane/index.js';
import { getLink, knownLinks, setLink } from '../../linux/index.js';
import { AF_INET, type Link, type Route, withInterface } from '../../netlink/index.js';
import {
  addressText,
  type Belongings,
  belongingsOf,
  giveAddresses,
  loadBelongings,
  removeAddresses,
  saveBelongings,
  takeBack,
  usesNexthopObject,
} from './address-transfer.js';
import type { BondRunner } from '../bond-runner.js';
import type { MemberRecord } from './departures.js';
import type { ChainWatch } from '../kernel/chain-watch.js';
import { canSetAddress } from './fixed-address.js';
import { addressRefusal, checkJoin } from './join-checks.js';
import { memberLinkOf } from '../kernel/link-facts.js';
import { hasLargeReceive, setLargeReceive } from '../kernel/large-receive.js';
import type { Machine } from '../kernel/machine.js';
import { countersOf } from '../kernel/member-counters.js';
import { captureSettings, restoreSettings, silenceIpv6 } from './original-settings.js';
import type { Registry } from '../registry.js';
import { notGivenText, putRoutes, routeOrder, routeText } from './route-transfer.js';
import { systemRefusal } from '../kernel/system-refusal.js';

/** How interfaces are to join; see EnslaveRequest. */
export interface EnslaveWishes {
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
  readonly forget?: boolean;
  readonly options: Readonly<Record<string, string>>;
}

/** What an interface was found to be and to carry when it was looked at. */
export interface Checked {
  readonly link: Link;
  readonly belongings: Belongings;
}

type JoinWishes = Pick<EnslaveWishes, 'takeDown' | 'takeAddresses'>;

export class Joining {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly #chains: ChainWatch;

  constructor(machine: Machine, registry: Registry, chains: ChainWatch) {
    this.#machine = machine;
    this.#registry = registry;
    this.#chains = chains;
  }

  /** `known`: what `check` gave for it, when nothing has changed since; thousands of routes take long to read. */
  join(
    runner: BondRunner,
    name: string,
    found: Link | undefined,
    wishes: JoinWishes,
    known?: Checked,
  ): Result<undefined, Refusal> {
    const { netlink, ethtool } = this.#machine;
    const bondName = runner.name;
    const checked = known === undefined ? this.check(runner, name, found, wishes) : ok(known);
    if (!checked.ok) return checked;
    const { link, belongings } = checked.value;
    const holders = this.#registry.all().filter(({ heldDown }) => heldDown.has(link.ifindex));
    const largeReceive = hasLargeReceive(ethtool, link.name ?? '');
    const original = { ...captureSettings(link), ...(largeReceive && { largeReceive }) };
    const had = belongings.addresses.length + belongings.routes.length > 0;
    const record: MemberRecord = { original, joining: true, took: had, counted: countersOf(link) };
    runner.records.set(link.ifindex, record);
    const saved = saveBelongings(belongings, { ifindex: link.ifindex, name: original.name });
    const takenBefore = runner.taken;
    if (had) runner.taken = [...takenBefore, saved];
    const unwritten = this.#machine.note(runner, `${name} cannot join ${bondName}, and is as it was`);
    if (unwritten !== undefined) {
      runner.records.delete(link.ifindex);
      runner.taken = takenBefore;
      // The file may have it, and its copy not.
      this.#machine.save(runner);
      return err(unwritten);
    }
    try {
      removeAddresses(netlink, belongings.addresses);
      this.#moveEarly(runner, belongings, original.name);
      if (original.up) setLink(netlink, link.ifindex, { up: false });
      silenceIpv6(netlink, original);
      if (largeReceive) setLargeReceive(ethtool, link.name ?? '', false);
      runner.plane.addMember(link.ifindex);
      runner.vlans.joins(link.ifindex);
      const down = getLink(netlink, link.ifindex) ?? link;
      const joined = runner.feed(
        {
          kind: 'join',
          member: link.ifindex,
          link: memberLinkOf(ethtool, down),
          permanentAddress: original.address,
          canSetAddress: canSetAddress(netlink, down, runner.policy.snapshot()),
        },
        { strict: true },
      );
      if (!joined.ok) {
        this.undo(runner, link.ifindex);
        return joined;
      }
      const open = getLink(netlink, link.ifindex);
      if (open !== undefined) {
        ethtool.linkDetected(open.name ?? '');
        const fresh = getLink(netlink, link.ifindex) ?? open;
        runner.feed(
          { kind: 'opened', member: link.ifindex, link: runner.links.linkOf(fresh) },
          { strict: true },
        );
      }
      if (had) this.#moveToBond(runner, belongings, original.name, link.ifindex);
    } catch (error) {
      this.undo(runner, link.ifindex);
      return err(systemRefusal(error, `${name} cannot join ${bondName}, and is as it was`));
    }
    this.#restore(runner, belongings.sourced);
    record.joining = false;
    this.#chains.joined(runner);
    // One that an earlier membership left down is to be up in the end all the same.
    if (holders.length > 0) record.original = { ...original, up: true };
    for (const holder of holders) {
      holder.heldDown.delete(link.ifindex);
      if (holder !== runner) this.#machine.save(holder);
    }
    // What was dropped while there was nobody to send is no outage.
    runner.plane.takeLoss();
    runner.stackChanged();
    runner.vlans.sync();
    this.#machine.save(runner);
    return ok(undefined);
  }

  #restore(runner: BondRunner, routes: readonly Route[]): void {
    for (const failed of putRoutes(this.#machine.netlink, routes))
      this.#machine.journal.add(runner.name, {
        severity: 'error',
        type: 'left',
        message: notGivenText(failed),
      });
  }

  check(
    runner: BondRunner,
    name: string,
    link: Link | undefined,
    wishes: JoinWishes,
  ): Result<Checked, Refusal> {
    if (link === undefined) {
      const known = knownLinks(this.#machine.netlink).map(({ name: other = '' }) => other);
      const near = nearestName(name, known);
      return err(
        refusal(
          'unknown-interface',
          'ENODEV',
          `${shown(name)} cannot join ${runner.name}: there is no such interface in this network namespace. ${near === undefined ? `'${advice('ip link')}' lists them.` : `Did you mean ${shown(near)}?`}`,
        ),
      );
    }
    const belongings = this.#checkJoin(runner, link, wishes);
    return belongings.ok ? ok({ link, belongings: belongings.value }) : belongings;
  }

  #checkJoin(runner: BondRunner, link: Link, wishes: JoinWishes): Result<Belongings, Refusal> {
    const { netlink } = this.#machine;
    if (runner.records.size >= MAX_MEMBERS) {
      const message = `${link.name ?? link.ifindex} cannot join ${runner.name}: it has ${MAX_MEMBERS} members already, and more are not possible; release one first.`;
      return err(refusal('unsupported', 'ENOSPC', message));
    }
    const memberOf = this.#registry.ofMember(link.ifindex)?.name;
    const name = link.name ?? '';
    const belongings = belongingsOf(netlink, link);
    const carries = {
      addresses: belongings.addresses.map(addressText),
      routes: belongings.routes.map(routeText),
    };
    const checked = checkJoin({
      link,
      bondName: runner.name,
      bondIfindex: runner.plane.bondIfindex,
      lowerIfindex: runner.plane.lowerIfindex,
      links: knownLinks(netlink),
      memberOf,
      isBond: this.#registry.ofBond(link.ifindex) !== undefined,
      foreignDataPlane: memberOf === undefined && hasProgram(netlink, link.ifindex, RECEIVE_PROGRAM),
      takeDown: wishes.takeDown || wishes.takeAddresses,
      carries,
    });
    if (!checked.ok) return checked;
    if (carries.addresses.length + carries.routes.length > 0 && !wishes.takeAddresses) {
      return err(addressRefusal(name, runner.name, carries));
    }
    const onObject = belongings.routes.find(usesNexthopObject);
    if (onObject !== undefined) {
      const message = `${name} cannot join ${runner.name}: its route ${routeText(onObject)} uses a nexthop object, which cannot be moved; replace the route by one with its gateway named, or move it by hand.`;
      return err(refusal('has-addresses', 'EBUSY', message));
    }
    return ok(belongings);
  }

  /**
   * IPv4 addresses are on one interface or the other all the time. Those of IPv6 wait until the bond is up: one with a lifetime
   * would never get its prefix route (addrconf_permanent_addr makes them for permanent ones alone).
   */
  #moveEarly(runner: BondRunner, { addresses }: Belongings, fromName: string): void {
    const to = { ifindex: runner.plane.bondIfindex, name: runner.name };
    const early = addresses.filter(({ family }) => family === AF_INET);
    giveAddresses(this.#machine.netlink, early, fromName, to);
  }

  #moveToBond(runner: BondRunner, belongings: Belongings, fromName: string, from: number): void {
    const { netlink } = this.#machine;
    const to = { ifindex: runner.plane.bondIfindex, name: runner.name };
    setLink(netlink, to.ifindex, { up: true });
    giveAddresses(netlink, belongings.addresses, fromName, to);
    const moved = belongings.routes.map(route => withInterface(route, from, to.ifindex));
    const { first, rest } = routeOrder(moved);
    const early = putRoutes(netlink, first);
    runner.resync();
    // The way to a gateway may be among the rest.
    const late = putRoutes(netlink, [...early.map(({ route }) => route), ...rest]);
    const [failed] = late;
    if (failed !== undefined) throw failed.error;
  }

  /** Gives an interface back as it was, wherever in its joining it stands. */
  undo(runner: BondRunner, ifindex: number): void {
    const { netlink, journal } = this.#machine;
    const record = runner.records.get(ifindex);
    const known = runner.policy.members().some(member => member.member === ifindex);
    if (record !== undefined) {
      record.joining = true;
      this.#machine.save(runner);
    }
    // Not what an earlier membership brought: that is the bond's until its end.
    const last = runner.taken.findLast(saved => saved.ifindex === ifindex);
    const taken = record?.took === false || last === undefined ? undefined : { ...last, returning: true };
    const belongings = taken === undefined ? undefined : loadBelongings(taken);
    if (belongings !== undefined && taken !== undefined) {
      runner.taken = runner.taken.map(saved => (saved === last ? taken : saved));
      this.#machine.save(runner);
      takeBack(netlink, belongings, ifindex, runner.plane.bondIfindex);
    }
    if (known) runner.feed({ kind: 'leave', member: ifindex, cause: 'undo' });
    runner.vlans.release(ifindex);
    runner.plane.removeMember(ifindex);
    runner.records.delete(ifindex);
    if (record !== undefined) {
      for (const message of restoreSettings(netlink, record.original, { address: true })) {
        journal.add(runner.name, { severity: 'error', type: 'left', message });
      }
    }
    if (belongings !== undefined && taken !== undefined) {
      const home = { ifindex, name: getLink(netlink, ifindex)?.name ?? taken.name };
      const note = (problem: string): void => {
        const message = `${home.name} did not get back all that it had: ${problem}`;
        journal.add(runner.name, { severity: 'error', type: 'left', message });
      };
      try {
        giveAddresses(netlink, belongings.addresses, taken.name, home);
      } catch (error) {
        note((error as Error).message);
      }
      for (const failed of putRoutes(netlink, belongings.routes)) note(notGivenText(failed));
    }
    this.#restore(runner, belongings?.sourced ?? []);
    runner.taken = runner.taken.filter(saved => saved !== taken);
    this.#machine.save(runner);
  }

  /** Undoes the joinings that an earlier daemon did not finish, and finishes the leavings. */
  undoUnfinished(runner: BondRunner): void {
    const note = (what: string, name: string): void => {
      const message = `The ${what} of ${name} was cut short by the end of an earlier daemon; it is as it was`;
      this.#machine.journal.add(runner.name, { severity: 'warning', type: 'left', message });
    };
    for (const [ifindex, record] of Array.from(runner.records)) {
      if (record.joining) {
        this.undo(runner, ifindex);
        note('joining', record.original.name);
      } else if (record.leaving !== undefined) {
        runner.finishLeaving(ifindex, record.leaving);
        note('leaving', record.original.name);
      } else if (!runner.plane.members().includes(ifindex)) {
        // It was released when nothing could be written down, and is what somebody made of it since.
        runner.records.delete(ifindex);
        runner.feed({ kind: 'leave', member: ifindex, cause: 'released' });
      }
    }
    for (const { ifindex, returning } of runner.taken) if (returning === true) this.undo(runner, ifindex);
  }
}
