// Addresses and gateways of an ifcfg file, with netmask or prefix length, numbered or not, and ranges of them. (config)
import { parseIpv4, shown } from '../../base/index.js';
import { addressText, cidrText, classLength, destinationText, prefixLength } from '../addresses.js';
import type { FactList, InterfaceRef, Place } from '../facts.js';
import { sayPeer } from '../neighbours.js';
import { isNone } from '../network-rules.js';
import type { Assignment } from '../shell/shell-assignments.js';

/** What one ifcfg file is for, and what it sets. */
export interface Interface {
  readonly list: FactList;
  readonly name: string;
  /** As bonds see it: by its name, or by its MAC address where the file names no device. */
  readonly ref: InterfaceRef;
  readonly values: ReadonlyMap<string, Assignment>;
  readonly place: (key: string) => Place;
  readonly get: (key: string) => string | undefined;
}

export function readAddresses(one: Interface): void {
  const { list, name, values, place, get } = one;
  readScope(one);
  for (const { name: key, value } of values.values()) {
    const suffix = /^IPADDR(_?[A-Za-z0-9_]*)$/.exec(key)?.[1];
    if (suffix === undefined || value.trim() === '') continue;
    const at = place(key);
    const mask = get(`NETMASK${suffix}`);
    const prefix = get(`PREFIX${suffix}`) ?? get(`PREFIXLEN${suffix}`);
    const length = lengthOf(value, prefix ?? mask);
    const cidr = cidrText(value, length.value);
    if (addressText(value.split('/')[0] ?? '') === null) {
      list.find(at, 'error', `${key}=${shown(value)} is no address; write it as 192.0.2.1.`, name);
    } else if (cidr === null) {
      const how = prefix ?? mask;
      list.find(
        at,
        'error',
        `${shown(how ?? '')} is neither a prefix length nor a netmask, so ${shown(value)} was left out.`,
        name,
      );
    } else {
      if (length.guessed) {
        list.find(
          at,
          'warning',
          `${key} has neither PREFIX nor NETMASK; /${length.value ?? ''}, that of its class, was taken.`,
          name,
        );
      }
      list.say(at, { kind: 'address', device: name, cidr });
    }
  }
  const six = ['IPV6ADDR', 'IPV6ADDR_SECONDARIES'].flatMap(key =>
    (get(key) ?? '')
      .split(/\s+/)
      .filter(text => text !== '')
      .map(text => ({ key, text })),
  );
  for (const { key, text } of six) {
    const cidr = cidrText(text, 64);
    if (cidr === null)
      list.find(
        place(key),
        'error',
        `${key}: ${shown(text)} is no IPv6 address; write it as 2001:db8::1/64.`,
        name,
      );
    else list.say(place(key), { kind: 'address', device: name, cidr });
  }
  for (const { name: key, value } of values.values()) {
    if (!/^(?:GATEWAY\d*|IPV6_DEFAULTGW)$/.test(key) || value.trim() === '') continue;
    const defroute = key.startsWith('IPV6') ? 'IPV6_DEFROUTE' : 'DEFROUTE';
    if (/^(?:no|false|off|n|f|0)$/i.test((get(defroute) ?? '').trim())) {
      list.find(
        place(key),
        'note',
        `${key} is not used, because of ${defroute}=${shown(get(defroute) ?? '')}.`,
        name,
      );
      continue;
    }
    const via = addressText(value.split('%')[0] ?? '');
    const to = destinationText('default');
    if (isNoGateway(value)) list.find(place(key), 'warning', noGateway(key, value), name);
    else if (via === null)
      list.find(place(key), 'error', `${key}=${shown(value)} is no address; write it as 192.0.2.1.`, name);
    else if (to !== null) list.say(place(key), { kind: 'route', device: name, to, via });
  }
}

/** 0.0.0.0, :: and none mean that there is no gateway. */
export function isNoGateway(value: string): boolean {
  return isNone(value.trim()) || value.trim().toLowerCase() === 'none';
}

/** A sentence for that. */
export function noGateway(key: string, value: string): string {
  return `${key}=${shown(value)} means that there is no gateway; it was left out.`;
}

/** `SCOPE="peer 192.0.2.1"`: the other end of the address, which is reached without a gateway. */
function readScope({ list, name, place, get }: Interface): void {
  const said = (get('SCOPE') ?? '').trim();
  if (said === '') return;
  const peer = cidrText(/^peer\s+(\S+)$/.exec(said)?.[1] ?? '', 32);
  if (peer === null)
    return list.find(place('SCOPE'), 'warning', `SCOPE=${shown(said)} is not carried over.`, name);
  sayPeer(list, place('SCOPE'), { device: name, cidr: peer }, `SCOPE=${said}`);
}

/** The prefix length that goes with an address; guessed from its class where nothing gives it, as ifup does. */
function lengthOf(
  address: string,
  given: string | undefined,
): { readonly value: number | null; readonly guessed: boolean } {
  if (given !== undefined && given.trim() !== '') {
    return { value: prefixLength(given, address.includes(':') ? 128 : 32), guessed: false };
  }
  if (address.includes('/')) return { value: null, guessed: false };
  return { value: classLength(address), guessed: true };
}

/** More addresses than this in one range are a mistake. */
const MOST_ADDRESSES = 256;

/** IPADDR_START to IPADDR_END of an `ifcfg-IFACE-rangeN`. */
export function readRange({ list, place, get }: Interface, device: string): void {
  const [start, end] = ['IPADDR_START', 'IPADDR_END'].map(key => {
    const parsed = parseIpv4((get(key) ?? '').trim());
    return parsed.ok ? new DataView(parsed.value.buffer, parsed.value.byteOffset).getUint32(0) : null;
  });
  const at = place('IPADDR_START');
  if (typeof start !== 'number' || typeof end !== 'number' || end < start || end - start >= MOST_ADDRESSES) {
    const message = `IPADDR_START and IPADDR_END of this file are not the first and the last of at most ${MOST_ADDRESSES} addresses; the range was left out.`;
    return list.find(at, 'error', message, device);
  }
  const first = get('IPADDR_START') ?? '';
  const length = lengthOf(first, get('PREFIX') ?? get('NETMASK'));
  if (length.guessed) {
    const message = `The range has neither PREFIX nor NETMASK; /${length.value ?? ''}, that of its class, was taken.`;
    list.find(at, 'warning', message, device);
  }
  for (let number = start; number <= end; number++) {
    const address = [24, 16, 8, 0].map(shift => (number >>> shift) & 0xff).join('.');
    const cidr = cidrText(address, length.value);
    if (cidr === null) {
      const how = get('PREFIX') ?? get('NETMASK') ?? '';
      const message = `${shown(how)} is neither a prefix length nor a netmask, so the range was left out.`;
      return list.find(at, 'error', message, device);
    }
    list.say(at, { kind: 'address', device, cidr });
  }
}
