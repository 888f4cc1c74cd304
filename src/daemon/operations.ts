// What users ask of a daemon: create, destroy, enslave, release, set. Each is carried out whole or not at all.
import { err, ok, type Refusal, type Result, refusal, shown } from '../base/index.js';
import { type BondDataPlane, hasReceiveProgram, MAX_MEMBERS, RECEIVE_PROGRAM } from '../dataplane/index.js';
import { addAddress, addressFromText, getLink, isErrno, listLinks, setLink } from '../linux/index.js';
import type { Address, Link } from '../netlink/index.js';
import { Bond, createBond, findOption, inApplyOrder } from '../policy/index.js';
import {
  addressText,
  type Belongings,
  belongingsOf,
  giveAddresses,
  giveRoutes,
  loadBelongings,
  removeAddresses,
  routeText,
  saveBelongings,
  takeBack,
  usesNexthopObject,
} from './address-transfer.js';
import { checkBondName } from './bond-name.js';
import { returnBelongings } from './belongings-return.js';
import { BondRunner } from './bond-runner.js';
import { isCidr } from './cidr.js';
import { addressRefusal, checkJoin } from './join-checks.js';
import { memberLinkOf } from './link-facts.js';
import { DATA_PLANE_NAMES, refuseMissing, refuseOther, wishedDataPlane } from './data-planes.js';
import type { Machine } from './machine.js';
import { countersOf } from './member-counters.js';
import { captureSettings, restoreSettings, silenceIpv6 } from './original-settings.js';
import { lowerEndName, placesOf } from './places.js';
import { randomMac } from './random-mac.js';
import type { Registry } from './registry.js';
import { systemRefusal } from './system-refusal.js';

/** Nothing, or why not. */
export type Done = Result<undefined, Refusal>;

const done: Done = ok(undefined);

export interface EnslaveWishes {
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
}

export class Operations {
  readonly #machine: Machine;
  readonly #registry: Registry;

  constructor(machine: Machine, registry: Registry) {
    this.#machine = machine;
    this.#registry = registry;
  }

  create(name: string, options: Readonly<Record<string, string>>): Done {
    const { netlink, runDir, planes } = this.#machine;
    const badName = checkBondName(name);
    if (badName !== undefined) return err(badName);
    const existing = getLink(netlink, name);
    if (existing !== undefined) {
      const what =
        this.#registry.named(name) !== undefined
          ? `the bond ${name} exists already`
          : `an interface called ${name} exists already (${existing.info?.kind ?? 'hardware'})`;
      return err(refusal('exists', 'EEXIST', `${name} was not created: ${what}. Choose another name.`));
    }
    const address = randomMac();
    const policy = createBond({
      name,
      address,
      addressIsRandom: true,
      mtu: 1500,
      options: Object.entries(options),
    });
    if (!policy.ok) return policy;
    let attempt = 0;
    while (getLink(netlink, lowerEndName(name, attempt)) !== undefined) attempt += 1;
    const lowerName = lowerEndName(name, attempt);
    const choice = planes.choose(
      wishedDataPlane(policy.value.snapshot().options),
      policy.value.snapshot().mode,
      name,
    );
    if (!choice.ok) return choice;
    let plane: BondDataPlane;
    try {
      const places = placesOf(runDir, lowerName);
      planes.sweep(netlink, places);
      plane = planes.create(netlink, choice.value.kind, {
        ...places,
        name,
        lowerName,
        address,
        mtu: 1500,
      });
    } catch (error) {
      return err(systemRefusal(error, `${name} was not created`));
    }
    const runner = new BondRunner({ machine: this.#machine, plane, policy: policy.value, pins: lowerName });
    this.#registry.add(runner);
    runner.start();
    this.#machine.journal.add(name, {
      severity: 'info',
      type: 'data-plane',
      message: `${name} was created (${DATA_PLANE_NAMES[plane.kind]}, as ${choice.value.why}: ${plane.detail})`,
    });
    this.#machine.save();
    return done;
  }

  destroy(runner: BondRunner): Done {
    const { netlink } = this.#machine;
    const name = runner.name;
    const link = getLink(netlink, runner.plane.bondIfindex);
    const carried = link === undefined || runner.taken.length === 0 ? undefined : belongingsOf(netlink, link);
    // Down first: nobody is to be told of failovers from member to member while they leave.
    if (link !== undefined) {
      setLink(netlink, link.ifindex, { up: false });
      runner.resync();
    }
    this.dismantle(runner, carried);
    this.#machine.journal.add(name, { severity: 'info', type: 'left', message: `${name} was destroyed` });
    return done;
  }

  /** Releases all members and removes everything; what was taken from interfaces goes back to them. */
  dismantle(runner: BondRunner, carried: Belongings | undefined): void {
    runner.ending = true;
    this.#machine.save();
    for (const member of Array.from(runner.records.keys()))
      runner.feed({ kind: 'leave', member, cause: 'released' });
    const bondIfindex = runner.plane.bondIfindex;
    const bondName = runner.name;
    runner.takeDown();
    this.#registry.remove(runner);
    this.#giveBack(runner, carried, bondIfindex, bondName);
    this.#machine.save();
  }

  /** All the named interfaces, or none. */
  enslave(runner: BondRunner, names: readonly string[], wishes: EnslaveWishes): Done {
    const joined: number[] = [];
    const wasUp = runner.policy.snapshot().adminUp;
    // All are looked at before the first is touched.
    for (const name of names) {
      const link = getLink(this.#machine.netlink, name);
      if (link !== undefined && runner.records.has(link.ifindex)) continue;
      const checked = this.#checkName(runner, name, link, wishes);
      if (!checked.ok) return checked;
    }
    for (const name of names) {
      const link = getLink(this.#machine.netlink, name);
      if (link !== undefined && runner.records.has(link.ifindex)) continue;
      const result = this.#join(runner, name, link, wishes);
      if (result.ok) {
        if (link !== undefined) joined.push(link.ifindex);
        continue;
      }
      for (const ifindex of joined.toReversed()) this.#undoJoin(runner, ifindex);
      // Addresses that moved to it brought it up.
      if (!wasUp) setLink(this.#machine.netlink, runner.plane.bondIfindex, { up: false });
      runner.resync();
      return result;
    }
    return done;
  }

  release(runner: BondRunner, names: readonly string[]): Done {
    const members: number[] = [];
    for (const name of names) {
      const member = runner.policy.members().find(other => other.name === name);
      if (member === undefined) {
        const exists = getLink(this.#machine.netlink, name) !== undefined;
        const why = exists ? `it is not a member of ${runner.name}` : 'there is no such interface';
        return err(
          refusal(
            'unknown-interface',
            exists ? 'EINVAL' : 'ENODEV',
            `${shown(name)} was not released: ${why}. 'bondwire show ${runner.name}' lists the members.`,
          ),
        );
      }
      members.push(member.member);
    }
    for (const member of new Set(members)) runner.feed({ kind: 'leave', member, cause: 'released' });
    this.#machine.save();
    return done;
  }

  /** All the options, in the driver's order, or none: they are tried on a copy of the policy first. */
  set(runner: BondRunner, options: Readonly<Record<string, string>>): Done {
    const fixed = refuseOther(runner, options);
    if (fixed !== undefined) return err(fixed);
    const names = inApplyOrder(Object.keys(options));
    const trial = Bond.restore(runner.policy.save(this.#machine.now()), this.#machine.now());
    for (const option of names) {
      const tried = trial.handle(
        { kind: 'set-option', option, value: options[option] ?? '' },
        this.#machine.now(),
      );
      if (!tried.ok) {
        const why = this.#asDriver(option, options[option] ?? '', tried.error);
        this.#machine.journal.add(runner.name, {
          severity: 'warning',
          type: 'refused',
          message: why.message,
        });
        return err(why);
      }
    }
    const missing = refuseMissing(runner.plane, trial.snapshot(), names);
    if (missing !== undefined) return err(missing);
    if (names.some(name => ['active_slave', 'primary', 'prio'].includes(findOption(name)?.name ?? name))) {
      runner.refreshStack();
    }
    for (const option of names) {
      const result = runner.feed({ kind: 'set-option', option, value: options[option] ?? '' });
      if (!result.ok) return result;
    }
    this.#machine.save();
    return done;
  }

  /** The policy knows members only; an active_slave that does not exist at all is ENODEV in the driver. */
  #asDriver(option: string, value: string, why: Refusal): Refusal {
    if (option !== 'active_slave' || why.code !== 'unknown-interface') return why;
    return getLink(this.#machine.netlink, value.trim()) === undefined ? { ...why, errno: 'ENODEV' } : why;
  }

  up(runner: BondRunner): Done {
    try {
      setLink(this.#machine.netlink, runner.plane.bondIfindex, { up: true });
    } catch (error) {
      return err(systemRefusal(error, `${runner.name} was not brought up`));
    }
    runner.resync();
    return done;
  }

  addAddresses(runner: BondRunner, texts: readonly string[]): Done {
    const { netlink } = this.#machine;
    const bad = texts.find(text => !isCidr(text));
    if (bad !== undefined) {
      const message = `The address ${shown(bad)} was not given to ${runner.name}: it is no address with a prefix length; write it as 192.0.2.1/24 or 2001:db8::1/64.`;
      return err(refusal('invalid-value', 'EINVAL', message));
    }
    const added: Address[] = [];
    for (const text of texts) {
      const address = addressFromText(runner.plane.bondIfindex, text);
      try {
        addAddress(netlink, address);
        added.push(address);
      } catch (error) {
        if (isErrno(error, 'EEXIST')) continue;
        removeAddresses(netlink, added);
        return err(systemRefusal(error, `The address ${shown(text)} was not given to ${runner.name}`));
      }
    }
    runner.refreshStack();
    return done;
  }

  #join(runner: BondRunner, name: string, found: Link | undefined, wishes: EnslaveWishes): Done {
    const { netlink, ethtool } = this.#machine;
    const bondName = runner.name;
    const checked = this.#checkName(runner, name, found, wishes);
    if (!checked.ok) return checked;
    const { link, belongings } = checked.value;
    const original = captureSettings(link);
    const record = { original, joining: true, counted: countersOf(link) };
    runner.records.set(link.ifindex, record);
    const had = belongings.addresses.length + belongings.routes.length > 0;
    const saved = saveBelongings(belongings, { ifindex: link.ifindex, name: original.name });
    if (had) runner.taken.push(saved);
    this.#machine.save();
    try {
      removeAddresses(netlink, belongings.addresses);
      if (original.up) setLink(netlink, link.ifindex, { up: false });
      silenceIpv6(netlink, original);
      runner.plane.addMember(link.ifindex);
      const down = getLink(netlink, link.ifindex) ?? link;
      const joined = runner.feed(
        {
          kind: 'join',
          member: link.ifindex,
          link: memberLinkOf(ethtool, down),
          permanentAddress: original.address,
          canSetAddress: true,
        },
        { strict: true },
      );
      if (!joined.ok) {
        this.#undoJoin(runner, link.ifindex);
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
      this.#undoJoin(runner, link.ifindex);
      return err(systemRefusal(error, `${name} cannot join ${bondName}, and is as it was`));
    }
    record.joining = false;
    // What was dropped while there was nobody to send is no outage.
    runner.plane.takeLoss();
    runner.stackChanged();
    this.#machine.save();
    return done;
  }

  #checkName(
    runner: BondRunner,
    name: string,
    link: Link | undefined,
    wishes: EnslaveWishes,
  ): Result<{ readonly link: Link; readonly belongings: Belongings }, Refusal> {
    if (link === undefined) {
      return err(
        refusal(
          'unknown-interface',
          'ENODEV',
          `${shown(name)} cannot join ${runner.name}: there is no such interface in this network namespace. 'ip link' lists them.`,
        ),
      );
    }
    const belongings = this.#checkJoin(runner, link, wishes);
    return belongings.ok ? ok({ link, belongings: belongings.value }) : belongings;
  }

  #checkJoin(runner: BondRunner, link: Link, wishes: EnslaveWishes): Result<Belongings, Refusal> {
    const { netlink } = this.#machine;
    if (runner.records.size >= MAX_MEMBERS) {
      const message = `${link.name ?? link.ifindex} cannot join ${runner.name}: it has ${MAX_MEMBERS} members already, and more are not possible; release one first.`;
      return err(refusal('unsupported', 'ENOSPC', message));
    }
    const memberOf = this.#registry.ofMember(link.ifindex)?.name;
    const checked = checkJoin({
      link,
      bondName: runner.name,
      bondIfindex: runner.plane.bondIfindex,
      lowerIfindex: runner.plane.lowerIfindex,
      links: listLinks(netlink),
      memberOf,
      isBond: this.#registry.ofBond(link.ifindex) !== undefined,
      foreignDataPlane: memberOf === undefined && hasReceiveProgram(netlink, link.ifindex, RECEIVE_PROGRAM),
      takeDown: wishes.takeDown || wishes.takeAddresses,
    });
    if (!checked.ok) return checked;
    const name = link.name ?? '';
    const belongings = belongingsOf(netlink, link);
    const { addresses, routes } = belongings;
    if (addresses.length + routes.length > 0 && !wishes.takeAddresses) {
      return err(addressRefusal(name, runner.name, addresses.map(addressText), routes.map(routeText)));
    }
    const onObject = routes.find(usesNexthopObject);
    if (onObject !== undefined) {
      const message = `${name} cannot join ${runner.name}: its route ${routeText(onObject)} uses a nexthop object, which cannot be moved; replace the route by one with its gateway named, or move it by hand.`;
      return err(refusal('has-addresses', 'EBUSY', message));
    }
    return ok(belongings);
  }

  #moveToBond(runner: BondRunner, belongings: Belongings, fromName: string, from: number): void {
    const { netlink } = this.#machine;
    const to = { ifindex: runner.plane.bondIfindex, name: runner.name };
    giveAddresses(netlink, belongings.addresses, fromName, to);
    setLink(netlink, to.ifindex, { up: true });
    runner.resync();
    giveRoutes(netlink, belongings.routes, from, to.ifindex);
  }

  /** Gives an interface back as it was, wherever in its joining it stands. */
  #undoJoin(runner: BondRunner, ifindex: number): void {
    const { netlink, journal } = this.#machine;
    const record = runner.records.get(ifindex);
    const known = runner.policy.members().some(member => member.member === ifindex);
    const taken = runner.taken.find(saved => saved.ifindex === ifindex);
    const belongings = taken === undefined ? undefined : loadBelongings(taken);
    if (belongings !== undefined && taken !== undefined) {
      runner.taken = runner.taken.map(saved => (saved === taken ? { ...saved, returning: true } : saved));
      this.#machine.save();
      takeBack(netlink, belongings, ifindex, runner.plane.bondIfindex);
    }
    if (known) runner.feed({ kind: 'leave', member: ifindex, cause: 'undo' });
    runner.plane.removeMember(ifindex);
    runner.records.delete(ifindex);
    if (record !== undefined) {
      for (const message of restoreSettings(netlink, record.original, { address: true })) {
        journal.add(runner.name, { severity: 'error', type: 'left', message });
      }
    }
    if (belongings !== undefined && taken !== undefined) {
      const home = { ifindex, name: getLink(netlink, ifindex)?.name ?? taken.name };
      try {
        giveAddresses(netlink, belongings.addresses, taken.name, home);
        giveRoutes(netlink, belongings.routes, ifindex, ifindex);
      } catch (error) {
        const message = `${home.name} did not get back all that it had: ${(error as Error).message}`;
        journal.add(runner.name, { severity: 'error', type: 'left', message });
      }
    }
    runner.taken = runner.taken.filter(saved => saved.ifindex !== ifindex);
    this.#machine.save();
  }

  /** What was taken from interfaces goes back to those that are not members of another bond by now. */
  #giveBack(
    runner: BondRunner,
    carried: Belongings | undefined,
    bondIfindex: number,
    bondName: string,
  ): void {
    const { netlink, journal } = this.#machine;
    const homeless = runner.taken.filter(saved => this.#registry.ofMember(saved.ifindex) === undefined);
    for (const problem of returnBelongings(netlink, homeless, carried, bondIfindex)) {
      const message = `${bondName} could not give everything back: ${problem}`;
      journal.add(bondName, { severity: 'error', type: 'left', message });
    }
    runner.taken = [];
  }

  /** Undoes the joinings that an earlier daemon did not finish, and finishes the leavings. */
  undoUnfinished(runner: BondRunner): void {
    const note = (what: string, name: string): void => {
      const message = `The ${what} of ${name} was cut short by the end of an earlier daemon; it is as it was`;
      this.#machine.journal.add(runner.name, { severity: 'warning', type: 'left', message });
    };
    for (const [ifindex, record] of Array.from(runner.records)) {
      if (record.joining) {
        this.#undoJoin(runner, ifindex);
        note('joining', record.original.name);
      } else if (record.leaving !== undefined) {
        runner.finishLeaving(ifindex, record.leaving);
        note('leaving', record.original.name);
      }
    }
    for (const { ifindex, returning } of runner.taken)
      if (returning === true) this.#undoJoin(runner, ifindex);
  }
}
