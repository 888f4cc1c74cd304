// Addresses and routes go back from a bond at its end to the interfaces that they were taken from: what goes where is settled and
// written down before anything is touched, and what people miss most is back first.
import { twice } from '../../base/index.js';
import type { SavedBelongings } from '../../keeper/index.js';
import { getLink, type Rtnetlink } from '../../linux/index.js';
import {
  type Address,
  AF_INET,
  emitRoute,
  IFF,
  type Link,
  ownAddress,
  type Route,
  routeSource,
  routeUses,
  withInterface,
} from '../../netlink/index.js';
import {
  addressText,
  type Belongings,
  belongingsOf,
  type Destination,
  giveAddresses,
  loadBelongings,
} from './address-transfer.js';
import {
  type NotGiven,
  notGivenText,
  putRoutes,
  putRoutesInTurns,
  routeIdentity,
  routeOrder,
} from './route-transfer.js';

/** What a bond had at its end. */
export interface Carried extends Belongings {
  /** False: the kernel has removed its routes and IPv6 addresses, so that they are missing says nothing. */
  readonly isUp: boolean;
}

/** What the bond's own interface has. */
export function carriedBy(netlink: Rtnetlink, bond: Link): Carried {
  return { ...belongingsOf(netlink, bond), isUp: (bond.flags & IFF.IFF_UP) !== 0 };
}

/**
 * What goes back to each interface, in the form that the state file keeps: what was taken, without what was removed from the bond
 * meanwhile. Routes that were added go to the first interface that will be up (`willBeUp`).
 */
export function planReturn(
  taken: readonly SavedBelongings[],
  carried: Carried,
  bondIfindex: number,
  willBeUp: (ifindex: number) => boolean,
): SavedBelongings[] {
  const addressesNow = new Set(carried.addresses.map(addressText));
  const routesNow = new Set(carried.routes.map(routeIdentity));
  const old = new Set<string>();
  const plan = taken.map((saved): SavedBelongings => {
    const { addresses, routes } = loadBelongings(saved);
    const identities = routes.map(routeIdentity);
    for (const identity of identities) old.add(identity);
    return {
      ...saved,
      addresses: saved.addresses.filter((_, at) => {
        const address = addresses[at];
        return address !== undefined && !isRemoved(address, carried, addressesNow);
      }),
      routes: carried.isUp
        ? saved.routes.filter((_, at) => routesNow.has(identities[at] ?? ''))
        : saved.routes,
      sourced: [],
    };
  });
  const added = carried.routes.filter(route => !old.has(routeIdentity(route)));
  const heir = plan.find(({ ifindex }) => willBeUp(ifindex));
  const onHeir = (route: Route, { ifindex }: SavedBelongings): string =>
    hexOf(withInterface(route, bondIfindex, ifindex));
  return plan.map((home, at) =>
    Object.assign(
      home,
      home === heir && { routes: [...home.routes, ...added.map(route => onHeir(route, home))] },
      // Those are of no interface in particular.
      at === 0 && { sourced: carried.sourced.map(hexOf) },
    ),
  );
}

function hexOf(route: Route): string {
  return Buffer.from(emitRoute(route)).toString('hex');
}

function isRemoved(address: Address, carried: Carried, now: ReadonlySet<string>): boolean {
  return !now.has(addressText(address)) && (carried.isUp || address.family === AF_INET);
}

/** An interface that gets its own back. */
interface Home {
  readonly saved: SavedBelongings;
  readonly belongings: Belongings;
}

interface Found {
  readonly link: Link;
  readonly to: Destination;
}

/**
 * Gives each interface its own. What could not be done comes back as sentences. First all addresses, then all routes: one
 * interface's route may have an address of another as its source.
 */
export class BelongingsReturn {
  readonly #netlink: Rtnetlink;
  readonly #homes: readonly Home[];
  readonly #bondIfindex: number;
  #rest: readonly Route[] = [];
  readonly #failed: NotGiven[] = [];
  readonly #problems: string[] = [];

  constructor(netlink: Rtnetlink, plan: readonly SavedBelongings[], bondIfindex: number) {
    this.#netlink = netlink;
    this.#bondIfindex = bondIfindex;
    this.#homes = plan.map(saved => ({ saved, belongings: loadBelongings(saved) }));
  }

  /** Addresses and default routes. Whoever has members for homes lets them go before. */
  first(): void {
    const found = this.#homes.flatMap(home => {
      const link = twice(() => getLink(this.#netlink, home.saved.ifindex));
      if (link === undefined) return [];
      return [{ ...home, link, to: { ifindex: link.ifindex, name: link.name ?? home.saved.name } }];
    });
    for (const home of found) this.#giveAddresses(home);
    const orders = found.filter(({ link }) => isUp(link)).map(home => routeOrder(home.belongings.routes));
    this.#failed.push(
      ...putRoutes(
        this.#netlink,
        orders.flatMap(({ first }) => first),
      ),
    );
    const given = new Set(found.flatMap(({ belongings }) => belongings.addresses.map(ownAddress)));
    const sourced = this.#homes
      .flatMap(({ belongings }) => belongings.sourced)
      .filter(route => given.has(routeSource(route)) && !routeUses(route, this.#bondIfindex));
    this.#rest = [...orders.flatMap(({ rest }) => rest), ...sourced];
  }

  #giveAddresses({ saved, belongings, to }: Home & Found): void {
    try {
      giveAddresses(this.#netlink, belongings.addresses, saved.name, to);
    } catch (error) {
      this.#problems.push(`${to.name}: ${(error as Error).message}`);
    }
  }

  /** All other routes, at once. */
  restAtOnce(): readonly string[] {
    this.#failed.push(...putRoutes(this.#netlink, this.#rest));
    return this.#sentences();
  }

  /** All other routes, with turns of the event loop in between; those over interfaces that `isFree` denies meanwhile stay away. */
  async rest(isFree: (ifindex: number) => boolean): Promise<readonly string[]> {
    const homes = this.#homes.map(({ saved }) => saved);
    const taken = (): readonly SavedBelongings[] => homes.filter(({ ifindex }) => !isFree(ifindex));
    this.#failed.push(...(await putRoutesInTurns(this.#netlink, this.#rest, () => taken().length === 0)));
    for (const { name } of taken())
      this.#problems.push(`${name} joined another bond before it had all routes`);
    return this.#sentences();
  }

  #sentences(): readonly string[] {
    const homeOf = (route: Route): string =>
      this.#homes.find(({ saved }) => routeUses(route, saved.ifindex))?.saved.name ?? '';
    const named = ({ route }: NotGiven): string => (homeOf(route) === '' ? '' : `${homeOf(route)}: `);
    return [...this.#problems, ...this.#failed.map(each => `${named(each)}${notGivenText(each)}`)];
  }
}

function isUp(link: Link): boolean {
  return (link.flags & IFF.IFF_UP) !== 0;
}

/** Gives each interface its own, at once; what could not be done comes back as sentences. */
export function returnBelongings(
  netlink: Rtnetlink,
  plan: readonly SavedBelongings[],
  bondIfindex: number,
): readonly string[] {
  const homecoming = new BelongingsReturn(netlink, plan, bondIfindex);
  homecoming.first();
  return homecoming.restAtOnce();
}
