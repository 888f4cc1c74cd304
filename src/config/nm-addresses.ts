// Addresses, gateways and routes of [ipv4] and [ipv6] in NetworkManager's keyfiles. (config)
import { shown } from '../base/index.js';
import { addressText, cidrText, destinationText } from './addresses.js';
import type { FactList } from './facts.js';
import { isMainTable, ofAnotherTable, ofAnotherType } from './network-rules.js';
import { entriesIn, isYes, lastOf } from './networkd-units.js';
import { tellLost } from './nm-lost.js';
import type { UnitEntry, UnitSection } from './unit-file.js';

/** GLib's lists end their items with a semicolon. */
export function items(value: string): string[] {
  return value
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '');
}

/** Facts of one family. */
export function readAddresses(
  list: FactList,
  device: string,
  sections: readonly UnitSection[],
  family: 'ipv4' | 'ipv6',
): void {
  const given = entriesIn(sections, family);
  // Routes of its own, too, go to it.
  const table = lastOf(given, 'route-table')?.value ?? '';
  const isNever = isYes(lastOf(given, 'never-default')?.value ?? '');
  const gateway = (text: string, place: UnitEntry['place']): void => {
    const via = addressText(text);
    if (via === null) list.find(place, 'error', `The gateway ${shown(text)} is no address.`, device);
    else if (!isMainTable(table)) list.find(place, 'warning', ofAnotherTable('', table), device);
    else if (isNever)
      list.find(place, 'note', `The gateway ${via} is not used, because of never-default.`, device);
    else if (!/^(?:0\.0\.0\.0|::)$/.test(via)) list.say(place, { kind: 'route', device, to: 'default', via });
  };
  for (const entry of given) {
    const { key, value, place } = entry;
    if (/^address(?:es)?\d*$/.test(key)) {
      for (const item of items(value)) {
        const [address = '', via] = item.split(',').map(part => part.trim());
        const cidr = cidrText(address, family === 'ipv4' ? 32 : 128);
        if (cidr === null)
          list.find(
            place,
            'error',
            `${shown(address)} is no address with a prefix length; write it as 192.0.2.1/24.`,
            device,
          );
        else list.say(place, { kind: 'address', device, cidr });
        if (via !== undefined && via !== '') gateway(via, place);
      }
    } else if (key === 'gateway') gateway(value, place);
    else if (/^routes?\d*$/.test(key)) {
      const own = optionsOf(lastOf(given, `${key}_options`)?.value ?? '');
      const options = new Map([...(table === '' ? [] : [['table', table] as const]), ...own]);
      for (const item of items(value)) readRoute(list, device, item, { place, options });
    } else if (key === 'route-table' || /^route\d+_options$/.test(key)) continue;
    else if (key === 'method') readMethod(list, device, family, entry);
    else if (key === 'never-default') continue;
    else tellLost(list, device, family, entry);
  }
}

/** `table=100,onlink=true`. */
function optionsOf(text: string): [string, string][] {
  return text.split(',').flatMap((part): [string, string][] => {
    const at = part.indexOf('=');
    return at < 1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()]];
  });
}

/** `10.0.0.0/8,192.0.2.254,100`: destination, next hop, metric. */
function readRoute(
  list: FactList,
  device: string,
  item: string,
  { place, options }: { readonly place: UnitEntry['place']; readonly options: ReadonlyMap<string, string> },
): void {
  const [destination = '', next = '', metric = ''] = item.split(',').map(part => part.trim());
  const to = destinationText(destination);
  const via = addressText(next);
  if (to === null) {
    const message = `The route to ${shown(destination)} was left out: that is no network; write it as 192.0.2.0/24.`;
    return list.find(place, 'error', message, device);
  }
  const table = options.get('table') ?? '';
  const type = options.get('type') ?? 'unicast';
  if (!isMainTable(table)) return list.find(place, 'warning', ofAnotherTable(to, table), device);
  if (type !== 'unicast') return list.find(place, 'warning', ofAnotherType(to, type), device);
  if (via === null) {
    const message = `The route to ${to} has no gateway and is not carried over; add it by "ip route add" after the bond is made.`;
    return list.find(place, 'warning', message, device);
  }
  list.say(place, { kind: 'route', device, to, via });
  if (metric !== '')
    list.find(place, 'warning', `The metric ${shown(metric)} of this route is not carried over.`, device);
  for (const [name] of options) {
    if (name !== 'table' && name !== 'type')
      list.find(place, 'warning', `${shown(name)} of this route is not carried over.`, device);
  }
}

function readMethod(list: FactList, device: string, family: string, { value, place }: UnitEntry): void {
  if (family === 'ipv6' && (value === 'auto' || value === 'ignore' || value === 'link-local')) return;
  if (value === 'auto' || value === 'dhcp')
    list.say(place, { kind: 'dhcp', device, how: `method=${value} of [${family}]` });
  else if (!['manual', 'disabled'].includes(value))
    list.find(place, 'warning', `method=${shown(value)} of [${family}] is not carried over.`, device);
}
