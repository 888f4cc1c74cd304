// Addresses, gateways and routes of [ipv4] and [ipv6] in NetworkManager's keyfiles. (config)
import { shown } from '../../base/index.js';
import { addressText, cidrText, destinationText } from '../addresses.js';
import type { FactList } from '../facts.js';
import { tellSysctl } from '../ipv6-settings.js';
import { sayDirectRoute } from '../neighbours.js';
import { isMainTable, ofAnotherTable, ofAnotherType } from '../network-rules.js';
import { entriesIn, isYes, lastOf } from '../networkd/networkd-units.js';
import { tellLost } from './nm-lost.js';
import type { UnitEntry, UnitSection } from '../unit-file.js';

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
    else if (!/^(?:0\.0\.0\.0|::)$/.test(via))
      list.say(place, { kind: 'route', device, to: 'default', via, onLink: 'if-needed' });
  };
  for (const entry of given) {
    const { key, value, place } = entry;
    if (/^address(?:es)?\d*$/.test(key)) {
      for (const parts of partsOf(value)) {
        const guessed = parts.length === '' ? (family === 'ipv4' ? 24 : 64) : null;
        const cidr = cidrText(
          parts.length === '' ? parts.address : `${parts.address}/${parts.length}`,
          guessed,
        );
        if (cidr === null) {
          const message = `${shown(value)} is no address with a prefix length; write it as 192.0.2.1/24.`;
          list.find(place, 'error', message, device);
          continue;
        }
        list.say(place, { kind: 'address', device, cidr });
        if (guessed !== null) {
          const message = `${shown(parts.address)} has no prefix length; /${guessed} was taken, as NetworkManager does.`;
          list.find(place, 'warning', message, device);
        }
        if (parts.next !== '') gateway(parts.next, place);
      }
    } else if (key === 'gateway') gateway(value, place);
    else if (/^routes?\d*$/.test(key)) {
      const own = optionsOf(lastOf(given, `${key}_options`)?.value ?? '');
      const options = new Map([...(table === '' ? [] : [['table', table] as const]), ...own]);
      for (const parts of partsOf(value)) readRoute(list, device, parts, { place, options });
    } else if (key === 'route-table' || /^route\d+_options$/.test(key)) continue;
    else if (key === 'ip6-privacy') {
      if (['1', '2'].includes(value))
        tellSysctl(list, place, device, { what: `ip6-privacy=${value}`, key: 'use_tempaddr', value });
    } else if (key === 'method') readMethod(list, device, family, entry);
    else if (key === 'never-default') continue;
    else tellLost(list, device, family, entry);
  }
}

/** An address or network, with what may stand behind it. */
interface Parts {
  readonly address: string;
  /** Empty where it is not given. */
  readonly length: string;
  readonly next: string;
  readonly metric: string;
}

const PARTS =
  /^([0-9a-f.:]+)(?:\s*[/;,]\s*(\d{1,3}))?(?:\s*[;,]\s*([0-9a-f.:]*))?(?:\s*[;,]\s*(\d*))?\s*[;,]?$/i;

/** `192.0.2.1/24,192.0.2.254`, `192.0.2.1;24;192.0.2.254;` of old, and several of the first between semicolons. */
function partsOf(value: string): Parts[] {
  const whole = PARTS.exec(value.trim());
  const found = whole === null ? items(value).map(item => PARTS.exec(item)) : [whole];
  return found.map(match => {
    const [, address = value, length = '', next = '', metric = ''] = match ?? [];
    return { address, length, next, metric };
  });
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
  { address, length, next, metric }: Parts,
  { place, options }: { readonly place: UnitEntry['place']; readonly options: ReadonlyMap<string, string> },
): void {
  const to = destinationText(length === '' ? address : `${address}/${length}`);
  const via = /^(?:|0\.0\.0\.0|::)$/.test(next) ? null : addressText(next);
  if (to === null) {
    const message = `The route to ${shown(address)} was left out: that is no network; write it as 192.0.2.0/24.`;
    return list.find(place, 'error', message, device);
  }
  const table = options.get('table') ?? '';
  const type = options.get('type') ?? 'unicast';
  if (!isMainTable(table)) return list.find(place, 'warning', ofAnotherTable(to, table), device);
  if (type !== 'unicast') return list.find(place, 'warning', ofAnotherType(to, type), device);
  if (via === null) {
    return sayDirectRoute(list, place, { device, cidr: to });
  }
  const onLink = isYes(options.get('onlink') ?? '') || 'if-needed';
  list.say(place, { kind: 'route', device, to, via, onLink });
  if (metric !== '')
    list.find(place, 'warning', `The metric ${shown(metric)} of this route is not carried over.`, device);
  for (const [name] of options) {
    if (!['onlink', 'table', 'type'].includes(name))
      list.find(place, 'warning', `${shown(name)} of this route is not carried over.`, device);
  }
}

function readMethod(list: FactList, device: string, family: string, { value, place }: UnitEntry): void {
  if (family === 'ipv6' && (value === 'auto' || value === 'ignore')) return;
  const what = `method=${shown(value)} of [ipv6]`;
  if (family === 'ipv6' && value === 'disabled')
    return tellSysctl(list, place, device, { what, key: 'disable_ipv6', value: '1' });
  // NetworkManager takes no notice of router advertisements then, the kernel does.
  if (family === 'ipv6' && ['link-local', 'manual'].includes(value))
    return tellSysctl(list, place, device, { what, key: 'accept_ra', value: '0' });
  if (value === 'auto' || value === 'dhcp')
    list.say(place, { kind: 'dhcp', device, how: `method=${value} of [${family}]` });
  else if (!['manual', 'disabled'].includes(value))
    list.find(place, 'warning', `method=${shown(value)} of [${family}] is not carried over.`, device);
}
