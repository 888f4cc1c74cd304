// Interfaces that are to join a bond: what stands against it, or what each is and carries.
import { advice, err, nearestName, ok, type Refusal, type Result, refusal, shown } from '../../base/index.js';
import { hasProgram, MAX_MEMBERS, RECEIVE_PROGRAM } from '../../dataplane/index.js';
import type { Candidate } from '../../keeper/index.js';
import { knownLinks } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import {
  addressText,
  type Belongings,
  belongingsOf,
  saveBelongings,
  usesNexthopObject,
} from './address-transfer.js';
import type { BondRunner } from '../bond-runner.js';
import { addressRefusal, checkJoin } from './join-checks.js';
import { memberLinkOf } from '../kernel/link-facts.js';
import { hasLargeReceive } from '../kernel/large-receive.js';
import type { Machine } from '../kernel/machine.js';
import { countersOf } from '../kernel/member-counters.js';
import { captureSettings } from './original-settings.js';
import type { Registry } from '../registry.js';
import { routeText } from './route-transfer.js';

/** How interfaces are to join; see EnslaveRequest. */
export interface EnslaveWishes {
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
  readonly forget?: boolean;
  readonly options: Readonly<Record<string, string>>;
}

type JoinWishes = Pick<EnslaveWishes, 'takeDown' | 'takeAddresses'>;

export class JoinCandidates {
  readonly #machine: Machine;
  readonly #registry: Registry;

  constructor(machine: Machine, registry: Registry) {
    this.#machine = machine;
    this.#registry = registry;
  }

  /** The interface as it is now, when nothing stands against its joining. Nothing is changed. */
  check(
    runner: BondRunner,
    name: string,
    link: Link | undefined,
    wishes: JoinWishes,
  ): Result<Candidate, Refusal> {
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
    if (!belongings.ok) return belongings;
    const { ethtool } = this.#machine;
    const largeReceive = hasLargeReceive(ethtool, link.name ?? '');
    const original = { ...captureSettings(link), ...(largeReceive && { largeReceive }) };
    return ok({
      name,
      original,
      link: memberLinkOf(ethtool, link),
      belongings: saveBelongings(belongings.value, { ifindex: link.ifindex, name: original.name }),
      counted: countersOf(link),
    });
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
}
