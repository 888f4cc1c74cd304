// What a file made of a bond, so that what the file no longer has can go again, and nothing that somebody else made.
import { err, ok, type Refusal, type Result } from '../../base/index.js';
import {
  addressFromText,
  deleteRoutes,
  getLink,
  isErrno,
  listAddresses,
  listRoutes,
  type Rtnetlink,
  setLink,
} from '../../linux/index.js';
import {
  type Address,
  IFA_F,
  promotesSecondaries,
  type Route,
  RTA,
  RT_TABLE_MAIN,
  RTM_F_CLONED,
  routeDestination,
  routeGateway,
  routeInterface,
  routeTable,
} from '../../netlink/index.js';
import { createBond, valueOf } from '../../policy/index.js';
import { addressText, removeAddresses } from '../members/address-transfer.js';
import {
  type Described,
  type DescribedDocument,
  type DescribedRequest,
  NOTHING_DESCRIBED,
  type RouteRequest,
  type ShowBond,
} from './api.js';
import { common, routeKey, union, without } from '../apply/described-sets.js';
import { optionText } from '../apply/difference.js';
import { metricOf, routeOf, usualMetric } from '../kernel/bond-interface.js';
import type { BondRunner } from '../bond-runner.js';
import { addressesOfPeople, routesOfPeople } from '../members/join-checks.js';
import type { Machine } from '../kernel/machine.js';
import type { Operations } from '../operations.js';
import { routeText } from '../members/route-transfer.js';

/** `onlink`. */
const RTNH_F_ONLINK = 4;

/** What is done for a file with one bond: see DescribedRequest. Gives sentences of what was removed. */
export function describeBond(
  machine: Machine,
  operations: Operations,
  runner: BondRunner,
  { isMade, ...wish }: DescribedRequest,
): Result<readonly string[], Refusal> {
  const { netlink } = machine;
  const before = inOwnWords(netlink, runner.host.described);
  const file = inOwnWords(netlink, wish);
  const gone = without(before, file);
  // Noted before anything is made: only what is not there yet will be of the file's making.
  const there = isMade ? NOTHING_DESCRIBED : presentOn(netlink, runner);
  const fresh = without(file, { ...there, options: [] });
  runner.host.described = isMade ? common(before, file) : union(before, fresh);
  if (!isMade) {
    const unwritten = machine.note(runner, `The file was not applied to ${runner.name}`);
    if (unwritten !== undefined) {
      runner.host.described = before;
      machine.save(runner);
      return err(unwritten);
    }
    const reset = resetOptions(operations, runner, gone.options);
    if (!reset.ok) return reset;
    return ok([...removeRoutes(netlink, runner, gone.routes), ...reset.value]);
  }
  // The note is shortened when all that is in it is gone.
  const removed = [
    ...removeFrom(netlink, runner, gone.addresses),
    ...releaseGone(operations, runner, gone.members),
  ];
  machine.saveSoon(runner);
  return ok(removed);
}

/** What a file can say of the bond's own interface, as it is now; `more` has what it cannot. */
export function describedDocument(netlink: Rtnetlink, runner: BondRunner): DescribedDocument {
  const link = getLink(netlink, runner.plane.bondIfindex);
  if (link === undefined) return { addresses: [], routes: [], more: [] };
  const own = addressesOfPeople(listAddresses(netlink, { ifindex: link.ifindex }), link);
  const lasting = own.filter(isLasting);
  const routes = routesOfPeople(routesOn(netlink, runner), () => true);
  const plain = routes.filter(isPlain);
  return {
    addresses: lasting.map(addressText),
    routes: plain.map((route): RouteRequest => {
      const onLink = (route.flags & RTNH_F_ONLINK) !== 0;
      const to = routeDestination(route);
      const via = routeGateway(route) ?? '';
      return onLink ? { to, via, onLink } : { to, via };
    }),
    more: [
      ...own
        .filter(address => !isLasting(address))
        .map(address => `the address ${addressText(address)}, which has a lifetime`),
      ...routes
        .filter(route => !isPlain(route))
        .map(route => `the route ${routeText(route)}${beyond(route)}`),
    ],
  };
}

function isLasting({ flags = 0 }: Address): boolean {
  return (flags & IFA_F.IFA_F_PERMANENT) !== 0;
}

/** A route of which a gateway is all that there is to say. */
function isPlain(route: Route): boolean {
  const said = new Set([
    RTA.RTA_DST,
    RTA.RTA_OIF,
    RTA.RTA_GATEWAY,
    RTA.RTA_TABLE,
    RTA.RTA_PRIORITY,
    RTA.RTA_CACHEINFO,
    RTA.RTA_PREF,
  ]);
  return (
    routeGateway(route) !== undefined &&
    routeTable(route) === RT_TABLE_MAIN &&
    metricOf(route) === usualMetric(route) &&
    route.tos === 0 &&
    route.attributes.every(({ type }) => said.has(type as never))
  );
}

/** Why a file cannot say it. */
function beyond(route: Route): string {
  if (routeTable(route) !== RT_TABLE_MAIN) return `, of table ${routeTable(route)}`;
  if (routeGateway(route) === undefined) return ', which has no gateway of its own';
  if (metricOf(route) !== usualMetric(route)) return `, which has the metric ${metricOf(route)}`;
  return ', which has more to it than a gateway';
}

/** Routes over the bond, without those that the kernel makes by itself for each address or destination. */
export function routesOn(netlink: Rtnetlink, runner: BondRunner): Route[] {
  return listRoutes(netlink, { ifindex: runner.plane.bondIfindex }).filter(
    route => (route.flags & RTM_F_CLONED) === 0 && routeTable(route) !== 255,
  );
}

function wayOf(route: Route): string {
  return `${routeDestination(route)} via ${routeGateway(route) ?? ''}`;
}

/** A route's destination and gateway as the kernel writes them; texts that say none stay as they are. */
export function inKernelsWords({ to, via, onLink = false }: RouteRequest): RouteRequest {
  const route = routeOf({ to, via }, 1);
  const words =
    route === null ? { to, via } : { to: routeDestination(route), via: routeGateway(route) ?? via };
  return onLink ? { ...words, onLink } : words;
}

/** Addresses and destinations as the kernel writes them, members by their own names. */
export function inOwnWords(netlink: Rtnetlink, wish: Described): Described {
  return {
    addresses: wish.addresses.map(text => addressText(addressFromText(0, text))),
    routes: wish.routes.map(inKernelsWords),
    members: wish.members.map(name => getLink(netlink, name)?.name ?? name),
    options: wish.options,
  };
}

/** Those routes of a bond that a file can say. */
export function plainRoutes(routes: readonly Route[]): RouteRequest[] {
  return routes
    .filter(isPlain)
    .map(route => ({ to: routeDestination(route), via: routeGateway(route) ?? '' }));
}

function presentOn(netlink: Rtnetlink, runner: BondRunner): Described {
  const ifindex = runner.plane.bondIfindex;
  return {
    addresses: listAddresses(netlink, { ifindex }).map(addressText),
    routes: plainRoutes(routesOn(netlink, runner)),
    members: runner.policy.members().map(({ name }) => name),
    options: [],
  };
}

/** Takes away those that are there; gives clauses of them. */
export function removeRoutes(
  netlink: Rtnetlink,
  runner: BondRunner,
  routes: readonly RouteRequest[],
): string[] {
  const there = new Map(
    routesOn(netlink, runner)
      .filter(isPlain)
      .map(route => [wayOf(route), route]),
  );
  const own = routes.flatMap(route => {
    const found = there.get(routeKey(inKernelsWords(route)));
    return found === undefined || routeInterface(found) !== runner.plane.bondIfindex ? [] : [found];
  });
  const failed = deleteRoutes(netlink, own).find(error => error !== undefined && !isErrno(error, 'ESRCH'));
  if (failed !== undefined) throw failed;
  return own.map(route => `the route ${wayOf(route)}`);
}

/**
 * The kernel takes all further IPv4 addresses of a network with the first one of it (__inet_del_ifa), and all routes with the last
 * address: without this, a file that exchanges 192.0.2.1/24 for 192.0.2.2/24 would leave the bond with neither.
 */
function keepingFurther(netlink: Rtnetlink, ifindex: number, remove: () => void): void {
  const link = getLink(netlink, ifindex);
  if (link === undefined || promotesSecondaries(link)) return remove();
  setLink(netlink, ifindex, { promotesSecondaries: true });
  try {
    remove();
  } finally {
    setLink(netlink, ifindex, { promotesSecondaries: false });
  }
}

/** Takes away those that are there; gives clauses of them. */
export function removeFrom(netlink: Rtnetlink, runner: BondRunner, texts: readonly string[]): string[] {
  const gone = new Set(texts);
  const ifindex = runner.plane.bondIfindex;
  const own = listAddresses(netlink, { ifindex }).filter(address => gone.has(addressText(address)));
  keepingFurther(netlink, ifindex, () =>
    // Without the label, which would have to fit.
    removeAddresses(
      netlink,
      own.map(({ label: _label, ...address }) => address),
    ),
  );
  runner.refreshStack();
  return own.map(address => `the address ${addressText(address)}`);
}

function releaseGone(operations: Operations, runner: BondRunner, names: readonly string[]): string[] {
  const members = new Set(runner.policy.members().map(({ name }) => name));
  const wanted = new Set(runner.wanted.map(({ name }) => name));
  const own = names.filter(name => members.has(name) || wanted.has(name));
  if (own.length === 0) return [];
  operations.release(runner, own);
  return own.map(name => `the member ${name}`);
}

type Values = ShowBond['options'];

/** The options of a new bond of this mode. */
function defaultsOf(runner: BondRunner): Values | undefined {
  const { name, mode } = runner.policy.snapshot();
  const address = '02:00:00:00:00:01';
  const fresh = createBond({ name, address, addressIsRandom: true, mtu: 1500, options: [['mode', mode]] });
  return fresh.ok ? fresh.value.snapshot().options : undefined;
}

/** Together, as the driver's rules hold between them; those that are so already are left. Gives sentences. */
function resetOptions(
  operations: Operations,
  runner: BondRunner,
  names: readonly string[],
): Result<readonly string[], Refusal> {
  const defaults = defaultsOf(runner);
  const now = runner.policy.snapshot().options;
  const usual = (name: string): string =>
    optionText(defaults === undefined ? undefined : valueOf(defaults, name));
  // The mode is what the others are read by, and cannot be changed while there are members.
  const wrong = names.filter(
    name => name !== 'mode' && name !== 'data_plane' && optionText(valueOf(now, name)) !== usual(name),
  );
  if (wrong.length === 0) return ok([]);
  const reset = operations.set(runner, Object.fromEntries(wrong.map(name => [name, usual(name)])));
  if (!reset.ok) return reset;
  return ok(wrong.map(name => `the option ${name}, which is ${usual(name) || 'empty'} again`));
}
