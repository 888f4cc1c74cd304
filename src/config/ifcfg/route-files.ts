// Routes that stand beside ifcfg files: route-IFACE and route6-IFACE of Red Hat, in either of their two forms, ifroute-IFACE and
// routes of SUSE (routes(5)); and rules (rule-IFACE, rule6-IFACE, ifrule-IFACE), which are told. (config)
import { shown } from '../../base/index.js';
import { addressText, cidrText, destinationText, prefixLength } from '../addresses.js';
import { type Fact, FactList, type Place, type SourceFile } from '../facts.js';
import { type LogicalLine, logicalLines, splitWords, withoutShellComment } from '../shell/logical-lines.js';
import { sayDirectRoute } from '../neighbours.js';
import { isMainTable, isNone, ofAnotherTable, ofAnotherType } from '../network-rules.js';
import { shellAssignments } from '../shell/shell-assignments.js';

interface Named {
  readonly device: string;
  readonly isSuse: boolean;
  readonly hasRules: boolean;
}

/** The interface that the name of a file is for; network/routes is for all. Undefined for a file of another kind. */
function interfaceOf(path: string): Named | undefined {
  const name = path.split('/').at(-1) ?? '';
  if (/(?:^|\/)network\/routes$/.test(path)) return { device: '', isSuse: true, hasRules: false };
  const [, kind, device = ''] = /^(route6?|ifroute|rule6?|ifrule)-(.+)$/.exec(name) ?? [];
  if (kind === undefined) return undefined;
  return { device, isSuse: kind === 'ifroute', hasRules: kind.includes('rule') };
}

/** True for a file that readRouteFile() reads, by its name. */
export function isRouteFile(path: string): boolean {
  return interfaceOf(path) !== undefined;
}

/** Types of routes that ip-route(8) has. */
const TYPES: ReadonlySet<string> = new Set([
  'anycast',
  'blackhole',
  'broadcast',
  'local',
  'multicast',
  'nat',
  'prohibit',
  'throw',
  'unicast',
  'unreachable',
]);

/** One route as a file has it; parts that it does not name are empty. */
interface Given {
  readonly place: Place;
  readonly device: string;
  readonly to: string;
  readonly mask: string;
  readonly via: string;
  /** Names of what is said besides. */
  readonly more: readonly string[];
  readonly table: string;
  readonly type: string;
  readonly onLink?: boolean;
}

/** The facts of one file. */
export function readRouteFile({ path, text }: SourceFile): Fact[] {
  const list = new FactList(path);
  const { device = '', isSuse = false, hasRules = false } = interfaceOf(path) ?? {};
  if (hasRules) {
    for (const { text: rule, line } of logicalLines(text)) {
      const message = `The rule "${shown(rule, 80)}" is not carried over; add it by "ip rule add".`;
      list.find(list.at(line), 'warning', message, device);
    }
    return list.facts;
  }
  // ifup-routes looks for this to know the form.
  const isKeyed = !isSuse && /^[ \t]*ADDRESS\d+=/m.test(text);
  const given = isKeyed
    ? keyed(list, text, device)
    : logicalLines(text).flatMap(
        line => (isSuse ? columnsOf(list, line, device) : wordsOf(list, line, device)) ?? [],
      );
  for (const route of given) sayRoute(list, route);
  return list.facts;
}

/** ADDRESS0, NETMASK0 or PREFIX0, GATEWAY0, METRIC0. */
function keyed(list: FactList, text: string, device: string): Given[] {
  const { assignments, problems } = shellAssignments(text);
  for (const { line, message } of problems) list.find(list.at(line), 'warning', message, device);
  const values = new Map(assignments.map(({ name, value }) => [name, value.trim()]));
  for (const { name, line } of assignments) {
    const number = /^(?:NETMASK|PREFIX|GATEWAY|METRIC|OPTIONS)(\d+)$/.exec(name)?.[1];
    if (/^ADDRESS\d+$/.test(name) || (number !== undefined && values.has(`ADDRESS${number}`))) continue;
    list.find(list.at(line), 'warning', `${shown(name)} belongs to no route here; it was left out.`, device);
  }
  return assignments.flatMap(({ name, value, line }) => {
    const number = /^ADDRESS(\d+)$/.exec(name)?.[1];
    if (number === undefined) return [];
    const get = (key: string): string => values.get(`${key}${number}`) ?? '';
    const more = ['METRIC', 'OPTIONS'].filter(key => get(key) !== '').map(key => `${key}${number}`);
    const mask = get('PREFIX') || get('NETMASK');
    return [
      {
        place: list.at(line),
        device,
        to: value.trim(),
        mask,
        via: get('GATEWAY'),
        more,
        table: '',
        type: '',
      },
    ];
  });
}

/** The arguments of `ip route add`. */
function wordsOf(list: FactList, { line, text }: LogicalLine, device: string): Given | null {
  // ifup-routes leaves out what stands behind #.
  const words = splitWords(withoutShellComment(text));
  const type = TYPES.has(words[0] ?? '') ? (words.shift() ?? '') : '';
  const onLink = words.includes('onlink');
  words.splice(0, words.length, ...words.filter(word => word !== 'onlink'));
  if (words[0] === 'to') words.shift();
  if (words.includes('nexthop')) {
    const message = `The route to ${shown(words[0] ?? '')} has several ways and is not carried over; add it by "ip route add" after the bond is made.`;
    list.find(list.at(line), 'warning', message, device === '' ? undefined : device);
    return null;
  }
  const [to = '', ...rest] = words;
  const value = (key: string): string => {
    const at = rest.indexOf(key);
    return at < 0 ? '' : (rest[at + 1] ?? '');
  };
  const more = rest.filter((word, at) => at % 2 === 0 && !['via', 'dev', 'table'].includes(word));
  const given = { device: value('dev') || device, to, mask: '', via: value('via'), table: value('table') };
  return { place: list.at(line), ...given, more, type, onLink };
}

/** DESTINATION GATEWAY NETMASK INTERFACE TYPE OPTIONS; a dash stands for nothing. */
function columnsOf(list: FactList, { line, text }: LogicalLine, device: string): Given {
  const [to = '', via = '', mask = '', named = '', ...more] = splitWords(withoutShellComment(text)).map(
    word => (word === '-' ? '' : word),
  );
  const type = more.find(word => TYPES.has(word)) ?? '';
  const at = more.indexOf('table');
  const table = at < 0 ? '' : (more[at + 1] ?? '');
  const rest = more.filter(word => word !== '' && word !== type).join(' ');
  const given = { device: named || device, to, mask, via, table, type };
  return { place: list.at(line), ...given, more: rest === '' ? [] : [rest] };
}

function sayRoute(
  list: FactList,
  { place, device, to, mask, via, more, table, type, onLink = false }: Given,
): void {
  // One that names no interface is everybody's.
  const about = device === '' ? undefined : device;
  if (!isMainTable(table)) return list.find(place, 'warning', ofAnotherTable(to, table), about);
  if (type !== '' && type !== 'unicast') return list.find(place, 'warning', ofAnotherType(to, type), about);
  const length = mask === '' || to.includes('/') || to === 'default' ? null : prefixLength(mask);
  const isMaskWrong = mask !== '' && length === null && !to.includes('/') && to !== 'default';
  const destination = length === null ? destinationText(to) : destinationText(cidrText(to, length) ?? '');
  const gateway = addressText(via);
  if (destination === null || isMaskWrong)
    return list.find(
      place,
      'error',
      `The route to ${shown(to)}${mask === '' ? '' : ` with ${shown(mask)}`} was left out: that is no network; write it as 192.0.2.0/24.`,
      about,
    );
  if (via === '' && device !== '') return sayDirectRoute(list, place, { device, cidr: destination });
  if (via === '')
    return list.find(
      place,
      'warning',
      `The route to ${destination} has no gateway and is not carried over; add it by "ip route add" after the bond is made.`,
      about,
    );
  if (isNone(via))
    return list.find(
      place,
      'warning',
      `${via} means that the route to ${destination} has no gateway; it was left out.`,
      about,
    );
  if (gateway === null)
    return list.find(
      place,
      'error',
      `The route to ${destination} was left out: its gateway ${shown(via)} is no address.`,
      about,
    );
  list.say(place, { kind: 'route', device, to: destination, via: gateway, onLink });
  for (const word of more)
    list.find(place, 'warning', `${shown(word)} of this route is not carried over.`, about);
}
