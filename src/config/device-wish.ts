// What files say of the bond's own interface: addresses, routes, MTU, MAC address, and whether it is brought up. (config)
import { shown } from '../base/index.js';
import { interfaceMac, mtuOf } from './bondwire/check-bond.js';
import type { Fact, Level, Place } from './facts.js';
import {
  badAddress,
  badRoute,
  isIn,
  isNeighbour,
  isNone,
  LEAST_IPV6_MTU,
  networkText,
  otherBond,
  otherWay,
  wrongWay,
} from './network-rules.js';
import type { BondWish, RouteWish } from './wishes.js';

type DeviceWish = Pick<BondWish, 'addresses' | 'routes' | 'mtu' | 'mac' | 'up'>;
type OfKind<K extends Fact['kind']> = Fact & { readonly kind: K };

interface Reading {
  readonly facts: readonly Fact[];
  readonly name: string;
  /** Bonds that were read before. */
  readonly others: readonly BondWish[];
  readonly tell: (level: Level, place: Place, message: string) => void;
}

/** Addresses, routes, MTU, MAC address and whether it is up, of a bond. */
export function deviceOf(reading: Reading): DeviceWish {
  const addresses = readAddresses(reading);
  const routes = readRoutes(reading, addresses);
  return {
    addresses,
    routes,
    mtu: readMtu(reading, addresses),
    mac: readMac(reading),
    up: readUp(reading),
  };
}

function ofDevice<K extends 'address' | 'mac' | 'mtu' | 'neighbour' | 'up'>(
  { facts, name }: Reading,
  kind: K,
): OfKind<K>[] {
  return facts.filter((fact): fact is OfKind<K> => fact.kind === kind && (fact as OfKind<K>).device === name);
}

/** The last of several, and what the others say against it is told. */
function lastOf<T extends { readonly place: Place }>(
  { name, tell }: Reading,
  given: readonly T[],
  what: (fact: T) => string,
): T | undefined {
  const last = given.at(-1);
  if (last === undefined) return undefined;
  const where = `${last.place.file}:${last.place.line}`;
  for (const fact of given.slice(0, -1)) {
    if (what(fact) === what(last)) continue;
    const said = what(fact);
    const message = `${said.charAt(0).toUpperCase()}${said.slice(1)} of ${name} stands against ${what(last)} at ${where}; the last counts.`;
    tell('warning', fact.place, message);
  }
  return last;
}

function readAddresses(reading: Reading): string[] {
  const { name, tell } = reading;
  const addresses = new Set<string>();
  for (const { cidr, place } of ofDevice(reading, 'address')) {
    const bad = badAddress(cidr);
    if (isNone(cidr)) {
      tell('warning', place, `The address ${cidr} of ${name} means that there is none; it was left out.`);
    } else if (bad === null) {
      addresses.add(cidr);
      tell('understood', place, `${name} has the address ${cidr}.`);
    } else tell('error', place, `${name} cannot have the address ${cidr}: ${bad}; it was left out.`);
  }
  return Array.from(addresses);
}

function readRoutes(reading: Reading, addresses: readonly string[]): RouteWish[] {
  const { facts, name } = reading;
  const routes: RouteWish[] = [];
  const neighbours = ofDevice(reading, 'neighbour').map(({ cidr }) => cidr);
  for (const fact of facts) {
    if (fact.kind !== 'route') continue;
    const isMine = fact.device === '' ? isNeighbour(fact.via, addresses) : fact.device === name;
    if (isMine) readRoute(reading, fact, { addresses, neighbours, routes });
  }
  return routes;
}

function readRoute(
  { name, others, tell }: Reading,
  { to: said, via, onLink: wanted, place }: OfKind<'route'>,
  {
    addresses,
    neighbours,
    routes,
  }: {
    readonly addresses: readonly string[];
    readonly neighbours: readonly string[];
    readonly routes: RouteWish[];
  },
): void {
  const to = networkText(said);
  const isReached = wanted === 'if-needed' || isIn(via, neighbours);
  const onLink = wanted === true || (isReached && !isNeighbour(via, addresses));
  const route: RouteWish = { to, via, ...(onLink && { onLink }) };
  if (to !== said)
    tell('warning', place, `${said} has bits behind the length of its network; ${to} was taken.`);
  const wrong = wrongWay(route, addresses);
  const bad = badRoute(route) ?? (wrong?.level === 'error' ? wrong.message : null);
  if (bad !== null) return tell('error', place, `${bad.replace(/\.$/, '')}; it was left out.`);
  const way = otherWay([...routes, route], routes.length);
  const other = otherBond(others, route);
  const there = way === null ? other : { name, via: way.via };
  if (there !== null) {
    const message = `A second way to ${to}, by ${via}, was left out: there is one by ${there.via} over ${there.name}, and routes here have no metric.`;
    return tell('warning', place, message);
  }
  if (!routes.some(each => each.to === to && each.via === via)) routes.push(route);
  const how = onLink && wanted !== true ? ', which is taken for a neighbour' : '';
  tell('understood', place, `${to} is reached over ${name} by ${via}${how}.`);
  if (wrong !== null) tell('warning', place, wrong.message);
}

function readMtu(reading: Reading, addresses: readonly string[]): number | null {
  const { name, tell } = reading;
  const last = lastOf(reading, ofDevice(reading, 'mtu'), ({ value }) => `the MTU ${shown(value)}`);
  if (last === undefined) return null;
  const mtu = mtuOf(last.value);
  const six = addresses.find(cidr => cidr.includes(':'));
  if (mtu === null) {
    tell('error', last.place, `The MTU ${shown(last.value)} of ${name} is not 68 to 65535; it was left out.`);
  } else if (mtu < LEAST_IPV6_MTU && six !== undefined) {
    const message = `The MTU ${mtu} of ${name} is too small for the address ${six}; it was left out.`;
    tell('error', last.place, message);
    return null;
  } else tell('understood', last.place, `${name} has the MTU ${mtu}.`);
  return mtu;
}

function readMac(reading: Reading): string | null {
  const { name, tell } = reading;
  const last = lastOf(reading, ofDevice(reading, 'mac'), ({ value }) => `the MAC address ${shown(value)}`);
  if (last === undefined) return null;
  const mac = interfaceMac(last.value);
  if (mac === null) {
    const message = `${shown(last.value)} is no MAC address that ${name} can have; it gets that of its first member.`;
    tell('warning', last.place, message);
  } else tell('understood', last.place, `${name} has the MAC address ${mac}.`);
  return mac;
}

function readUp(reading: Reading): boolean {
  const { name, tell } = reading;
  const last = lastOf(reading, ofDevice(reading, 'up'), ({ up }) =>
    up ? 'the start at boot' : 'the missing start at boot',
  );
  if (last === undefined) return true;
  tell('understood', last.place, `${name} is ${last.up ? '' : 'not '}brought up.`);
  return last.up;
}
