// `ifconfig` and `route`, as files of configuration call them, as facts. (config)
import { addressText, cidrText, classLength, destinationText, prefixLength } from '../addresses.js';
import type { FactList, Place } from '../facts.js';

/**
 * `ifconfig bond0 192.0.2.1 netmask 255.255.255.0 up`, and `ifconfig eth0 0.0.0.0 up`: what had to be done for members before the
 * driver did it.
 */
export function readIfconfig(list: FactList, words: readonly string[], place: Place): boolean {
  const [device = '', ...rest] = words;
  if (device === '' || rest.length === 0) return false;
  const said = new Map<string, string>();
  let address: string | null = null;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (['netmask', 'broadcast', 'mtu'].includes(word)) {
      at += 1;
      said.set(word, rest[at] ?? '');
    } else if (word === 'hw' && rest[at + 1] === 'ether') {
      at += 2;
      said.set('hw', rest[at] ?? '');
    } else if (!['up', 'down', '0.0.0.0', '0'].includes(word)) {
      if (address !== null || addressText(word.split('/')[0] ?? '') === null) return false;
      address = word;
    }
  }
  if (said.size > 0 || address !== null) return sayInterface(list, device, address, said, place);
  const target = device;
  list.find(place, 'note', 'Members are brought up by Bondwire; nothing is to be done for it.', target);
  return true;
}

/** False where one of its values is none, so that the command is told as a whole. */
function sayInterface(
  list: FactList,
  device: string,
  address: string | null,
  said: ReadonlyMap<string, string>,
  place: Place,
): boolean {
  const mask = said.get('netmask');
  const length = mask === undefined ? classLength(address ?? '') : prefixLength(mask);
  const cidr = address === null ? null : cidrText(address, length);
  if (address !== null && cidr === null) return false;
  if (cidr !== null) list.say(place, { kind: 'address', device, cidr });
  if (cidr !== null && mask === undefined && !address?.includes('/'))
    list.find(place, 'warning', `ifconfig gives ${cidr} no netmask; that of its class was taken.`, device);
  const mtu = said.get('mtu');
  const mac = said.get('hw');
  if (mtu !== undefined) list.say(place, { kind: 'mtu', device, value: mtu });
  if (mac !== undefined) list.say(place, { kind: 'mac', device, value: mac });
  return true;
}

/** `route add -net 10.0.0.0 netmask 255.0.0.0 gw 192.0.2.254`, `route add default gw 192.0.2.254`. */
export function readRoute(list: FactList, device: string, all: readonly string[], place: Place): boolean {
  const words = all.filter(word => !['-4', '-6', '-A', 'inet', 'inet6', '--inet', '--inet6'].includes(word));
  if (words.shift() !== 'add') return false;
  const isHost = words[0] === '-host';
  if (isHost || words[0] === '-net') words.shift();
  const target = words.shift() ?? '';
  const said = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const word = words[at] ?? '';
    // The interface may stand last without its word.
    if (at === words.length - 1 && !['gw', 'netmask', 'metric', 'dev'].includes(word)) said.set('dev', word);
    else said.set(word, words[at + 1] ?? '');
  }
  const mask = said.get('netmask');
  const length = mask === undefined ? (isHost ? 32 : null) : prefixLength(mask);
  const to = length === null ? destinationText(target) : destinationText(cidrText(target, length) ?? '');
  const via = addressText(said.get('gw') ?? '');
  const known = Array.from(said.keys()).every(word => ['gw', 'netmask', 'dev', 'metric'].includes(word));
  if (to === null || via === null || !known || (mask !== undefined && length === null)) return false;
  list.say(place, { kind: 'route', device: said.get('dev') ?? device, to, via });
  if (said.has('metric'))
    list.find(place, 'warning', 'metric of this route is not carried over.', said.get('dev') ?? device);
  return true;
}
