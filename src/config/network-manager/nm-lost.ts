// Keys of NetworkManager's keyfiles that have no counterpart, with what is to be done about them. (config)
import { own, shown } from '../../base/index.js';
import type { FactList } from '../facts.js';
import type { UnitEntry } from '../unit-file.js';

/** What needs no counterpart. */
const SILENT: ReadonlySet<string> = new Set([
  'connection.autoconnect-ports',
  'connection.autoconnect-priority',
  'connection.autoconnect-retries',
  'connection.autoconnect-slaves',
  'connection.multi-connect',
  'connection.timestamp',
  'connection.wait-device-timeout',
  'ipv4.ignore-auto-dns',
  'ipv4.ignore-auto-routes',
  'ipv4.may-fail',
  'ipv6.addr-gen-mode',
  'ipv6.ignore-auto-dns',
  'ipv6.ignore-auto-routes',
  'ipv6.may-fail',
]);

/** What must be done by hand. */
const BY_HAND: Readonly<Record<string, string>> = {
  'connection.zone': 'set it in the firewall',
  'connection.secondaries': 'bring those connections up after the bond',
  'ipv4.dns': 'set it in the resolver',
  'ipv4.dns-search': 'set it in the resolver',
  'ipv6.dns': 'set it in the resolver',
  'ipv6.dns-search': 'set it in the resolver',
  'ipv4.route-metric': 'routes get the metric of the kernel',
  'ipv6.route-metric': 'routes get the metric of the kernel',
  'ethernet.wake-on-lan': 'set it by ethtool',
  'ethernet.speed': 'set it by ethtool',
  'ethernet.duplex': 'set it by ethtool',
  'ethernet.auto-negotiate': 'set it by ethtool',
};

/** Tells that a key of a section is not carried over. */
export function tellLost(
  list: FactList,
  device: string,
  section: string,
  { key, value, place }: UnitEntry,
): void {
  const name = `${section}.${key}`;
  if (SILENT.has(name) || value === '') return;
  const how = own(BY_HAND, name) ?? 'it is not known here';
  list.find(place, 'warning', `${shown(key)} of [${shown(section)}] is not carried over: ${how}.`, device);
}
