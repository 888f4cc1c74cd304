// The method of a stanza of ifupdown, and the addresses that it gives. (config)
import { shown } from '../../base/index.js';
import { cidrText, classLength, prefixLength } from '../addresses.js';
import type { FactList } from '../facts.js';
import type { Line, Stanza } from './interfaces-stanzas.js';

/** Methods that ask somebody for addresses. */
export const ASKING: ReadonlySet<string> = new Set(['auto', 'bootp', 'dhcp', 'ppp']);
const FAMILIES: ReadonlySet<string> = new Set(['', 'can', 'inet', 'inet6', 'ipx']);
const METHODS: ReadonlySet<string> = new Set([
  ...ASKING,
  '',
  '6to4',
  'dynamic',
  'ipv4ll',
  'loopback',
  'manual',
  'static',
  'tunnel',
  'v4tunnel',
  'wvdial',
]);

/** Addresses by `address` and `netmask`, as they belong to each family. */
export function readMethod(
  list: FactList,
  { device, family, method, place }: Stanza,
  lines: readonly Line[],
): void {
  if (!FAMILIES.has(family) || !METHODS.has(method)) {
    const message = `"${shown([family, method].join(' ').trim())}" is no family and method of ifupdown, which would refuse the whole file.`;
    list.find(place, 'warning', message);
  }
  if (ASKING.has(method)) {
    if (method !== 'auto') list.say(place, { kind: 'dhcp', device, how: method });
    for (const { place: at } of lines.filter(({ word }) => word === 'address'))
      list.find(at, 'warning', `address is not used where addresses are asked for (${method}).`, device);
    return;
  }
  const some = lines.find(({ word }) => word === 'address');
  if (method === 'manual' && some !== undefined) {
    const message = 'ifupdown gives no address by the method manual, ifupdown2 does; it was taken.';
    list.find(some.place, 'warning', message, device);
  }
  const mask = lines.findLast(({ word }) => word === 'netmask');
  for (const line of lines.filter(({ word }) => word === 'address')) {
    const text = line.rest.split(/\s+/)[0] ?? '';
    const isIpv6 = text.includes(':');
    const given =
      mask === undefined ? null : prefixLength(mask.rest, isIpv6 || family === 'inet6' ? 128 : 32);
    const guessed = mask === undefined && !text.includes('/') ? (isIpv6 ? 64 : classLength(text)) : null;
    // As in ifupdown, a netmask counts, whatever stands behind the address.
    const cidr = cidrText(given === null ? text : (text.split('/')[0] ?? ''), given ?? guessed);
    if (cidr !== null && given !== null && text.includes('/') && cidr !== cidrText(text)) {
      const message = `address ${shown(text)} has the netmask ${shown(mask?.rest ?? '')}, which counts.`;
      list.find(line.place, 'warning', message, device);
    }
    if (cidr === null) {
      const what = mask === undefined ? shown(text) : `${shown(text)} with netmask ${shown(mask.rest)}`;
      list.find(
        line.place,
        'error',
        `address ${what} is no address with a prefix length; write it as 192.0.2.1/24.`,
        device,
      );
      continue;
    }
    if (guessed !== null) {
      list.find(
        line.place,
        'warning',
        `address ${shown(text)} has no netmask; /${guessed} was taken.`,
        device,
      );
    }
    list.say(line.place, { kind: 'address', device, cidr });
  }
}
