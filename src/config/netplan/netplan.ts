// Reads netplan's YAML: the bonds of `network: bonds:` with their parameters, and the cards that they name. (config)
import { own, shown } from '../../base/index.js';
import { addressText, cidrText, destinationText } from '../addresses.js';
import {
  child,
  entriesOf,
  isNothing,
  isTrue,
  merged,
  text,
  textsOf,
  type Tree,
  treeOf,
  unified,
} from '../yaml/document-tree.js';
import { durationMs } from '../durations.js';
import { FactList, type Fact, type InterfaceRef, type KnownInterface, type SourceFile } from '../facts.js';
import { baseName, inOrder, RUN_FIRST, tellOverridden } from '../folder-order.js';
import { resolve } from '../machine-match.js';
import { tellSysctl } from '../ipv6-settings.js';
import { sayDirectRoute } from '../neighbours.js';
import { isMainTable, isNone, ofAnotherTable, ofAnotherType } from '../network-rules.js';
import { cardsOf, tellTop } from './netplan-cards.js';
import { passedThrough, readPassedThrough, tellDevices } from './netplan-manager.js';
import { tellLost } from '../network-manager/nm-lost.js';

/** What a parameter is called in the driver, and the unit that a time without one has. */
const PARAMETERS: Readonly<
  Record<string, { readonly name: string; readonly time?: 'ms' | 's'; readonly flag?: true }>
> = {
  mode: { name: 'mode' },
  'lacp-rate': { name: 'lacp_rate' },
  'mii-monitor-interval': { name: 'miimon', time: 'ms' },
  'min-links': { name: 'min_links' },
  'transmit-hash-policy': { name: 'xmit_hash_policy' },
  'ad-select': { name: 'ad_select' },
  'all-members-active': { name: 'all_slaves_active', flag: true },
  'all-slaves-active': { name: 'all_slaves_active', flag: true },
  'arp-interval': { name: 'arp_interval', time: 'ms' },
  'arp-ip-targets': { name: 'arp_ip_target' },
  'arp-validate': { name: 'arp_validate' },
  'arp-all-targets': { name: 'arp_all_targets' },
  'up-delay': { name: 'updelay', time: 'ms' },
  'down-delay': { name: 'downdelay', time: 'ms' },
  'fail-over-mac-policy': { name: 'fail_over_mac' },
  'gratuitous-arp': { name: 'num_grat_arp' },
  // As it was spelled in the first versions.
  'gratuitious-arp': { name: 'num_grat_arp' },
  'packets-per-member': { name: 'packets_per_slave' },
  'packets-per-slave': { name: 'packets_per_slave' },
  'primary-reselect-policy': { name: 'primary_reselect' },
  'resend-igmp': { name: 'resend_igmp' },
  'learn-packet-interval': { name: 'lp_interval', time: 's' },
  primary: { name: 'primary' },
};

/** Spelled in camelCase or with underscores by people; netplan itself has dashes only. */
function dashed(key: string): string {
  return key
    .replaceAll('_', '-')
    .replaceAll(
      /([a-z0-9])([A-Z])/g,
      (_, before: string, letter: string) => `${before}-${letter.toLowerCase()}`,
    );
}

const SILENT: ReadonlySet<string> = new Set([
  'critical',
  'ignore-carrier',
  'optional',
  'optional-addresses',
  'renderer',
]);
const BY_HAND: Readonly<Record<string, string>> = {
  nameservers: 'set it in the resolver',
  'routing-policy': 'set the rules by "ip rule"',
  'dhcp4-overrides': 'it belongs to the DHCP client',
  'dhcp6-overrides': 'it belongs to the DHCP client',
  'dhcp-identifier': 'it belongs to the DHCP client',
};

/** netplan itself passes over files of another ending in its folders. */
function isRead({ path }: SourceFile): boolean {
  return !/(?:^|\/)netplan\/[^/]*\.yml$/.test(path);
}

/** The facts of all files, which netplan reads as one: later ones, by their names, add to earlier ones or replace what those say. */
export function readNetplan(files: readonly SourceFile[], machine: readonly KnownInterface[]): Fact[] {
  const list = new FactList('');
  for (const { path } of files.filter(file => !isRead(file))) {
    const message = 'netplan reads files whose names end in .yaml only; this one was left out.';
    list.find({ file: path, line: 1 }, 'warning', message);
  }
  const { files: kept, overridden } = inOrder(files.filter(isRead), baseName, RUN_FIRST);
  tellOverridden(list, overridden);
  const replaced = (first: Tree, later: Tree): void => {
    if (isNothing(later) && first.kind !== 'text') {
      const said = `${first.place.file}:${first.place.line}`;
      return list.find(
        later.place,
        'error',
        `Nothing stands here, where ${said} describes it; netplan refuses that.`,
      );
    }
    const where = `${later.place.file}:${later.place.line}`;
    list.find(first.place, 'note', `${where} says something else, which counts.`);
  };
  const network = kept
    .flatMap(file => networkOf(list, file, replaced) ?? [])
    .reduce<Tree | null>((all, one) => (all === null ? one : merged(all, one, replaced)), null);
  if (network !== null) readNetwork(list, network, machine);
  return list.facts;
}

/** What stands below `network:` in one file. */
function networkOf(
  list: FactList,
  { path, text: content }: SourceFile,
  replaced: (first: Tree, later: Tree) => void,
): Tree | null {
  const read = treeOf(list, path, content);
  if (read === null) return null;
  // A key that is given twice adds to itself, as one of another file does.
  const tree = unified(read, replaced);
  const network = child(tree, 'network');
  for (const { key, place } of entriesOf(tree)) {
    if (key !== 'network')
      list.find(place, 'warning', `${shown(key)} stands outside of "network:", where netplan reads nothing.`);
  }
  if (network?.kind === 'map') return network;
  const message = 'There is no map "network:" at the top, so this is no configuration of netplan.';
  list.find(tree.place, 'error', message);
  return null;
}

/** What of a card has no meaning for a bond. */
const OF_CARDS: ReadonlySet<string> = new Set([
  'access-points',
  'match',
  'openvswitch',
  'set-name',
  'virtual-function-count',
  'wakeonlan',
]);

/** What stands below `network:`, of version 2. */
export function readNetwork(list: FactList, network: Tree, machine: readonly KnownInterface[]): void {
  tellTop(list, network);
  tellDevices(list, network);
  const cards = cardsOf(list, network);
  // `renderer` of a whole kind stands among its definitions.
  const bonds = entriesOf(child(network, 'bonds')).filter(({ key }) => key !== 'renderer');
  for (const { key, place, value } of bonds) {
    if (tellOfOpenVSwitch(list, key, value)) continue;
    list.say(place, { kind: 'bond', bond: key });
    readBond(list, key, value, {
      cards,
      isManaged: rendererOf(network, 'bonds', value) === 'NetworkManager',
    });
  }
  for (const kind of ['ethernets', 'wifis']) {
    for (const { key, value } of entriesOf(child(network, kind))) {
      const card = cards.get(key);
      const names = card === undefined ? [] : resolve(machine, card);
      for (const name of names) readDevice(list, name, value, OF_CARDS);
    }
  }
  readUpper(list, network);
}

/** Who netplan writes for. */
function rendererOf(network: Tree, kind: string, definition: Tree): string {
  const said = [definition, child(network, kind), network].map(tree => text(child(tree, 'renderer')));
  return said.find(each => each !== null && each !== '') ?? 'networkd';
}

/** True for a bond that netplan makes in Open vSwitch. */
function tellOfOpenVSwitch(list: FactList, bond: string, tree: Tree): boolean {
  const place = child(tree, 'openvswitch')?.place;
  if (place === undefined) return false;
  const message = `${shown(bond)} is a bond of Open vSwitch, which is none of Linux; it was left out, and stays where it is.`;
  list.find(place, 'warning', message);
  return true;
}

/** Devices other than cards and bonds: what they are called, and where they name those below them. */
const UPPER: readonly (readonly [kind: string, what: string, below: string])[] = [
  ['vlans', 'VLAN', 'link'],
  ['bridges', 'bridge', 'interfaces'],
  ['vrfs', 'VRF', 'interfaces'],
  ['tunnels', 'tunnel', 'link'],
  ['dummy-devices', 'dummy', ''],
  ['virtual-ethernets', 'veth', ''],
];

function readUpper(list: FactList, network: Tree): void {
  for (const [kind, what, below] of UPPER) {
    for (const { key, place, value } of entriesOf(child(network, kind))) {
      if (key === 'renderer') continue;
      const over = textsOf(child(value, below)).map(each => each.text);
      const under = below === '' ? '' : ', with the bond below ethernets: (as "{}") in place of bonds:';
      const keep = `keep it below ${kind}:${under}`;
      list.say(place, { kind: 'device', device: key, what, over, keep });
      for (const name of ['addresses', 'routes', 'gateway4', 'gateway6', 'dhcp4', 'dhcp6']) {
        const part = child(value, name);
        if (part === null) continue;
        readDevice(
          list,
          key,
          { kind: 'map', place, entries: [{ key: name, place, value: part }] },
          new Set(),
        );
      }
    }
  }
}

function readBond(
  list: FactList,
  bond: string,
  tree: Tree,
  { cards, isManaged }: { readonly cards: ReadonlyMap<string, InterfaceRef>; readonly isManaged: boolean },
): void {
  for (const { text: id, place } of textsOf(child(tree, 'interfaces'))) {
    const card = cards.get(id);
    list.say(place, { kind: 'member', bond, member: card ?? { by: 'name', name: id } });
    if (card !== undefined) continue;
    const message = `Nothing in netplan's files defines ${shown(id)}, so netplan would refuse them; it was taken for the name of an interface.`;
    list.find(place, 'warning', message);
  }
  for (const { key, place, value } of entriesOf(child(tree, 'parameters'))) {
    const known = dashed(key);
    const parameter = own(PARAMETERS, known);
    if (known === 'mode' && /^\d+$/.test(text(value) ?? '')) {
      const message = `mode: ${text(value) ?? ''} was left out: netplan knows modes by their names only, and refuses this one.`;
      list.find(value.place, 'error', message);
      continue;
    }
    if (parameter === undefined) {
      list.find(place, 'error', `${shown(key)} is no parameter of a bond in netplan; it was left out.`);
      continue;
    }
    if (known !== key)
      list.find(place, 'warning', `netplan spells ${shown(key)} as ${known}; it was taken for that.`);
    const said = textsOf(value);
    const raw = said.map(each => each.text).join(',');
    const at = said[0]?.place ?? place;
    if (parameter.name === 'primary') {
      const card: InterfaceRef = cards.get(raw) ?? { by: 'name', name: raw };
      if (card.by === 'name')
        list.say(at, { kind: 'option', bond, name: 'primary', value: card.name, tool: 'netplan' });
      else list.say(at, { kind: 'chosen', member: card, name: 'primary', tool: 'netplan' });
      continue;
    }
    const converted = convert(raw, parameter, value);
    if (converted === null)
      list.find(at, 'error', `${known}: ${shown(raw)} is no time; write it as 100 or 100ms.`);
    else list.say(at, { kind: 'option', bond, name: parameter.name, value: converted, tool: 'netplan' });
  }
  readDevice(list, bond, tree, new Set(['interfaces', 'parameters', 'macaddress', 'networkmanager']));
  if (isManaged) {
    readPassedThrough(list, bond, tree);
    if (!isMonitored(tree)) list.say(tree.place, { kind: 'option', bond, name: 'miimon', value: '100' });
  } else if (child(tree, 'networkmanager') !== null) {
    const message = `networkmanager: is for that renderer, and ${shown(bond)} has another, so nothing of it was taken.`;
    list.find(child(tree, 'networkmanager')?.place ?? tree.place, 'warning', message, bond);
  }
  const mac = child(tree, 'macaddress');
  if (mac !== null) list.say(mac.place, { kind: 'mac', device: bond, value: text(mac) ?? '' });
}

/** Whether a bond has a monitor of its own; NetworkManager gives it one otherwise. */
function isMonitored(tree: Tree): boolean {
  const parameters = entriesOf(child(tree, 'parameters')).map(({ key, value }) => ({
    name: own(PARAMETERS, dashed(key))?.name ?? '',
    value: text(value) ?? '',
  }));
  const passed = passedThrough(tree)
    .filter(({ name }) => name === 'bond')
    .flatMap(({ entries }) => entries.map(({ key, value }) => ({ name: key, value })));
  return [...parameters, ...passed].some(
    ({ name, value }) => name === 'miimon' || (name === 'arp_interval' && !/^0\D*$/.test(value)),
  );
}

function convert(
  raw: string,
  parameter: { readonly time?: 'ms' | 's'; readonly flag?: true },
  value: Tree,
): string | null {
  if (parameter.flag === true) return isTrue(value) ? '1' : /^(?:false|no|off|n|0)$/i.test(raw) ? '0' : raw;
  if (parameter.time === undefined) return raw;
  const ms = durationMs(raw, parameter.time === 's' ? 1000 : 1);
  if (ms === null) return null;
  return String(parameter.time === 's' ? ms / 1000 : ms);
}

function readDevice(list: FactList, device: string, tree: Tree, others: ReadonlySet<string>): void {
  for (const { key, place, value } of entriesOf(tree)) {
    if (others.has(key) || SILENT.has(key)) continue;
    switch (key) {
      case 'addresses':
        readAddresses(list, device, value);
        break;
      case 'gateway4':
      case 'gateway6': {
        const via = addressText(text(value) ?? '');
        if (isNone(text(value) ?? '')) {
          const message = `${key}: ${shown(text(value) ?? '')} means that there is none; it was left out.`;
          list.find(value.place, 'warning', message, device);
        } else if (via === null)
          list.find(value.place, 'error', `${key}: ${shown(text(value) ?? '')} is no address.`, device);
        else list.say(value.place, { kind: 'route', device, to: 'default', via });
        break;
      }
      case 'routes':
        readRoutes(list, device, value);
        break;
      case 'mtu':
        list.say(value.place, { kind: 'mtu', device, value: text(value) ?? '' });
        break;
      case 'dhcp4':
      case 'dhcp6':
        if (isTrue(value)) list.say(place, { kind: 'dhcp', device, how: key });
        break;
      case 'accept-ra':
        if (!isTrue(value))
          list.findOfBond(
            place,
            'warning',
            `accept-ra: false is not carried over: set net.ipv6.conf.${device}.accept_ra=0 by sysctl.`,
            device,
          );
        break;
      case 'link-local':
        if (!textsOf(value).some(each => each.text === 'ipv6'))
          list.findOfBond(
            place,
            'warning',
            'link-local without ipv6 is not carried over: the kernel gives the bond an IPv6 address of its own.',
            device,
          );
        break;
      case 'ipv6-privacy':
        if (isTrue(value))
          tellSysctl(list, place, device, { what: 'ipv6-privacy: true', key: 'use_tempaddr', value: '2' });
        break;
      case 'networkmanager':
        for (const { name, entries } of passedThrough(tree))
          for (const entry of entries)
            if (entry.key !== '_' && name !== 'connection') tellLost(list, device, name, entry);
        break;
      case 'activation-mode':
        list.say(place, { kind: 'up', device, up: !['manual', 'off'].includes(text(value) ?? '') });
        break;
      default: {
        const how = own(BY_HAND, key) ?? 'it is not known here';
        list.find(place, 'warning', `${shown(key)} is not carried over: ${how}.`, device);
      }
    }
  }
}

function readAddresses(list: FactList, device: string, tree: Tree): void {
  const items = tree.kind === 'list' ? tree.items : [tree];
  for (const item of items) {
    // An address may have options of its own: `- 192.0.2.1/24: {label: …}`.
    const entry = item.kind === 'map' ? item.entries[0] : undefined;
    const said = entry?.key ?? text(item) ?? '';
    const cidr = cidrText(said);
    if (cidr === null)
      list.find(
        item.place,
        'error',
        `${shown(said)} is no address with a prefix length; write it as 192.0.2.1/24.`,
        device,
      );
    else list.say(item.place, { kind: 'address', device, cidr });
    if (entry !== undefined && entriesOf(entry.value).length > 0) {
      list.find(
        entry.place,
        'warning',
        'The options of this address (label, lifetime) are not carried over.',
        device,
      );
    }
  }
}

function readRoutes(list: FactList, device: string, tree: Tree): void {
  for (const route of tree.kind === 'list' ? tree.items : []) {
    const to = destinationText(text(child(route, 'to')) ?? '');
    const via = addressText(text(child(route, 'via')) ?? '');
    const table = child(route, 'table');
    const type = child(route, 'type');
    if (table !== null && !isMainTable(text(table) ?? '')) {
      list.find(table.place, 'warning', ofAnotherTable(to ?? '', text(table) ?? ''), device);
      continue;
    }
    if (type !== null && text(type) !== 'unicast') {
      list.find(type.place, 'warning', ofAnotherType(to ?? '', text(type) ?? ''), device);
      continue;
    }
    if (to !== null && child(route, 'via') === null) {
      sayDirectRoute(list, route.place, { device, cidr: to });
      continue;
    }
    if (to === null || via === null) {
      list.find(
        route.place,
        'error',
        'This route needs "to" (a network or default) and "via" (an address).',
        device,
      );
      continue;
    }
    const onLink = isTrue(child(route, 'on-link'));
    list.say(route.place, { kind: 'route', device, to, via, onLink });
    const read = new Set(['on-link', 'table', 'to', 'type', 'via']);
    const more = entriesOf(route).filter(({ key }) => !read.has(key));
    for (const { key, place } of more)
      list.find(place, 'warning', `${shown(key)} of this route is not carried over.`, device);
  }
}
