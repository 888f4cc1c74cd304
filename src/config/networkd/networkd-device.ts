// What a .network file says of the interfaces that it fits: addresses, gateways, routes, MTU, MAC address. (config)
import { own, shown } from '../../base/index.js';
import { addressText, cidrText, classLength, destinationText } from '../addresses.js';
import type { FactList } from '../facts.js';
import { tellSysctl } from '../ipv6-settings.js';
import { sayDirectRoute, sayPeer } from '../neighbours.js';
import { isMainTable, isNone, ofAnotherTable, ofAnotherType } from '../network-rules.js';
import { entriesIn, isNo, isYes, lastOf, listed } from './networkd-units.js';
import type { UnitEntry, UnitSection } from '../unit-file.js';

const SILENT: ReadonlySet<string> = new Set([
  'ActiveSlave',
  'Bond',
  'ConfigureWithoutCarrier',
  'Description',
  'EmitLLDP',
  'LLDP',
  'PrimarySlave',
]);
const OF_THE_RESOLVER: ReadonlySet<string> = new Set([
  'DNS',
  'DNSSEC',
  'Domains',
  'LLMNR',
  'MulticastDNS',
  'NTP',
]);
/** What networkd sets by sysctl. */
const OF_IPV6: Readonly<Record<string, string>> = {
  IPv6DuplicateAddressDetection: 'dad_transmits',
  IPv6PrivacyExtensions: 'use_tempaddr',
};

/** Sections that are read here. */
const READ: ReadonlySet<string> = new Set(['Address', 'Link', 'Match', 'Network', 'Route']);

const OF_ROUTES: ReadonlySet<string> = new Set(['Destination', 'Gateway', 'GatewayOnLink', 'Table', 'Type']);

/** `9000`, `9K`: bytes with the units of systemd. */
export function bytes(value: string): string {
  const match = /^([0-9]+)\s*K$/i.exec(value);
  return match === null ? value : String(Number(match[1]) * 1024);
}

/** Facts about one interface; most matter only where it is a bond or a member. */
export function readDevice(list: FactList, device: string, sections: readonly UnitSection[]): void {
  const network = entriesIn(sections, 'Network');
  for (const { value, place } of listed(network, 'Address')) readAddress(list, device, value, place);
  for (const { value, place } of listed(network, 'Gateway')) readGateway(list, device, { value, place });
  for (const entry of network) readNetworkKey(list, device, entry);
  for (const section of sections) {
    if (section.name === 'Address') readAddressSection(list, device, section);
    else if (section.name === 'Route') readRouteSection(list, device, section);
    else if (!READ.has(section.name) && !section.name.startsWith('X-') && section.entries.length > 0)
      list.find(section.place, 'warning', `[${shown(section.name)}] is not carried over.`, device);
  }
  for (const { key, value, place } of entriesIn(sections, 'Link')) {
    if (key === 'MTUBytes') list.say(place, { kind: 'mtu', device, value: bytes(value) });
    else if (key === 'MACAddress') list.say(place, { kind: 'mac', device, value });
    else if (key === 'ActivationPolicy')
      list.say(place, { kind: 'up', device, up: !['manual', 'down', 'always-down'].includes(value) });
    else if (!['RequiredForOnline', 'Unmanaged'].includes(key))
      list.find(place, 'warning', `${shown(key)} of [Link] is not carried over.`, device);
  }
}

function readNetworkKey(list: FactList, device: string, { key, value, place }: UnitEntry): void {
  if (key === 'Address' || key === 'Gateway' || SILENT.has(key)) return;
  if (key === 'DHCP') {
    if (isNo(value)) return;
    list.say(place, { kind: 'dhcp', device, how: `DHCP=${shown(value)}` });
  } else if (key === 'IPv6AcceptRA') {
    const how = `set net.ipv6.conf.${device}.accept_ra=0 by sysctl`;
    if (isNo(value))
      list.findOfBond(place, 'warning', `IPv6AcceptRA=no is not carried over: ${how}.`, device);
  } else if (key === 'LinkLocalAddressing') {
    const how = 'the kernel gives the bond an IPv6 address of its own';
    if (value !== 'ipv6' && !isYes(value))
      list.findOfBond(place, 'warning', `${key}=${shown(value)} is not carried over: ${how}.`, device);
  } else if (OF_THE_RESOLVER.has(key)) {
    list.find(place, 'warning', `${key} is not carried over: set it in the resolver.`, device);
  } else if (key === 'VLAN' || key === 'Bridge' || key === 'MACVLAN' || key === 'IPVLAN' || key === 'VRF') {
    const what = { Bridge: 'bridge', IPVLAN: 'ipvlan', MACVLAN: 'macvlan', VLAN: 'VLAN', VRF: 'VRF' }[key];
    const keep = `keep its .netdev file and this line, with [Match] Name=${shown(device)}, and take away the .netdev file of the bond`;
    list.say(place, { kind: 'device', device: value, what, over: [device], keep });
  } else if (own(OF_IPV6, key) !== undefined) {
    const setting = own(OF_IPV6, key) ?? '';
    const wanted =
      setting !== 'use_tempaddr' ? value : isYes(value) ? '2' : value === 'prefer-public' ? '1' : '0';
    const how = { what: `${key}=${shown(value)}`, key: setting, value: wanted };
    if (isYes(value) || isNo(value) || /^\d+$|^prefer-public$/.test(value))
      tellSysctl(list, place, device, how);
    else list.findOfBond(place, 'warning', `${key}=${shown(value)} is not carried over.`, device);
  } else list.find(place, 'warning', `${shown(key)} of [Network] is not carried over.`, device);
}

function readAddressSection(list: FactList, device: string, { entries, place }: UnitSection): void {
  const address = lastOf(entries, 'Address');
  if (address === undefined)
    list.find(place, 'warning', 'An [Address] without Address= says nothing; it was left out.', device);
  else readAddress(list, device, address.value, address.place);
  for (const { key, value, place: at } of entries) {
    const peer = key === 'Peer' ? cidrText(value, value.includes(':') ? 128 : 32) : null;
    if (peer !== null) {
      sayPeer(list, at, { device, cidr: peer }, `Peer=${value}`);
    } else if (key !== 'Address')
      list.find(at, 'warning', `${shown(key)} of [Address] is not carried over.`, device);
  }
}

function readRouteSection(list: FactList, device: string, { entries, place }: UnitSection): void {
  const gateway = lastOf(entries, 'Gateway');
  const destination = lastOf(entries, 'Destination')?.value ?? '';
  const table = lastOf(entries, 'Table');
  const type = lastOf(entries, 'Type');
  if (table !== undefined && !isMainTable(table.value))
    return list.find(table.place, 'warning', ofAnotherTable(destination, table.value), device);
  if (type !== undefined && !['unicast', ''].includes(type.value))
    return list.find(type.place, 'warning', ofAnotherType(destination, type.value), device);
  if (gateway === undefined || gateway.value === '') {
    const to = destinationText(destination);
    if (to === null) list.find(place, 'warning', 'A route without Gateway= is not carried over.', device);
    else sayDirectRoute(list, place, { device, cidr: to });
  } else {
    const onLink = isYes(lastOf(entries, 'GatewayOnLink')?.value ?? '');
    readGateway(list, device, { value: gateway.value, place: gateway.place, destination, onLink });
  }
  for (const { key, place: at } of entries) {
    if (!OF_ROUTES.has(key))
      list.find(at, 'warning', `${shown(key)} of [Route] is not carried over.`, device);
  }
}

function readAddress(list: FactList, device: string, value: string, place: UnitEntry['place']): void {
  if (value === '') return;
  const guessed = value.includes('/') ? null : value.includes(':') ? 128 : classLength(value);
  const cidr = cidrText(value, guessed);
  if (cidr === null)
    list.find(place, 'error', `Address=${shown(value)} is no address; write it as 192.0.2.1/24.`, device);
  else list.say(place, { kind: 'address', device, cidr });
  if (cidr !== null && guessed !== null)
    list.find(
      place,
      'warning',
      `Address=${shown(value)} has no prefix length; /${guessed} was taken.`,
      device,
    );
}

interface Gateway {
  readonly value: string;
  readonly place: UnitEntry['place'];
  readonly destination?: string;
  readonly onLink?: boolean;
}

function readGateway(
  list: FactList,
  device: string,
  { value, place, destination = '', onLink = false }: Gateway,
): void {
  if (value.startsWith('_')) {
    const message = `Gateway=${shown(value)} is learned by another program, and not carried over.`;
    return list.find(place, 'warning', message, device);
  }
  if (isNone(value))
    return list.find(
      place,
      'warning',
      `Gateway=${shown(value)} means that there is none; it was left out.`,
      device,
    );
  const via = addressText(value);
  const to = destinationText(destination === '' ? 'default' : destination);
  if (via === null || to === null) {
    const message = `The route to ${shown(destination)} by ${shown(value)} is none; both must be addresses.`;
    list.find(place, 'error', message, device);
  } else list.say(place, { kind: 'route', device, to, via, onLink });
}
