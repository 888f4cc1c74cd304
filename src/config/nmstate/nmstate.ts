// Reads nmstate's YAML and JSON (nmstate.io), also as the desiredState of a NodeNetworkConfigurationPolicy: bonds by
// link-aggregation, their addresses, and routes. (config)
import { own, shown } from '../../base/index.js';
import { findOption } from '../../policy/index.js';
import { addressText, cidrText, destinationText } from '../addresses.js';
import { child, entriesOf, isTrue, text, textsOf, type Tree, treeOf } from '../yaml/document-tree.js';
import {
  FactList,
  type Fact,
  type InterfaceRef,
  type KnownInterface,
  type Place,
  type SourceFile,
} from '../facts.js';
import { tellSysctl } from '../ipv6-settings.js';
import { resolve } from '../machine-match.js';
import { sayDirectRoute } from '../neighbours.js';
import { isMainTable, isNone, ofAnotherTable } from '../network-rules.js';

/** The state in a document: at its top, or in a policy of Kubernetes. */
export function stateOf(tree: Tree | null): Tree | null {
  const state = child(child(tree, 'spec'), 'desiredState') ?? child(tree, 'desiredState') ?? tree;
  const interfaces = child(state, 'interfaces');
  return interfaces?.kind === 'list' ? state : null;
}

/** The facts of all files. */
export function readNmstate(files: readonly SourceFile[], machine: readonly KnownInterface[]): Fact[] {
  return files.flatMap(({ path, text: content }) => {
    const list = new FactList(path);
    const tree = treeOf(list, path, content);
    const state = stateOf(tree);
    if (state !== null) readState(list, state, machine);
    else if (tree !== null)
      list.find(tree.place, 'error', 'There is no list "interfaces:", so this is no state of nmstate.');
    return list.facts;
  });
}

function readState(list: FactList, state: Tree, machine: readonly KnownInterface[]): void {
  const interfaces = child(state, 'interfaces');
  const items = interfaces?.kind === 'list' ? interfaces.items : [];
  const hasBonds = items.some(item => text(child(item, 'type')) === 'bond');
  const refs = new Map(items.map(item => [text(child(item, 'name')) ?? '', refOf(item)]));
  for (const item of items) readInterface(list, item, { refs, machine });
  const routes = child(child(state, 'routes'), 'config');
  for (const route of routes?.kind === 'list' ? routes.items : []) readRoute(list, route);
  const others: Readonly<Record<string, string>> = {
    'dns-resolver': 'set it in the resolver',
    'route-rules': 'set the rules by hand',
    'ovs-db': 'it is of Open vSwitch',
  };
  for (const { key, place } of hasBonds ? entriesOf(state) : []) {
    if (['interfaces', 'routes', 'hostname'].includes(key)) continue;
    list.find(
      place,
      'warning',
      `${shown(key)} is not carried over: ${own(others, key) ?? 'it is not known here'}.`,
    );
  }
}

/** `identifier: mac-address`: the name is that of the profile, and the card is the one with the address. */
function refOf(item: Tree): InterfaceRef {
  const name = text(child(item, 'name')) ?? '';
  const mac = text(child(item, 'mac-address'))?.toLowerCase();
  const isByMac = text(child(item, 'identifier')) === 'mac-address' && mac !== undefined;
  return isByMac ? { by: 'mac', mac } : { by: 'name', name };
}

interface Context {
  readonly refs: ReadonlyMap<string, InterfaceRef>;
  readonly machine: readonly KnownInterface[];
}

const SILENT: ReadonlySet<string> = new Set([
  'accept-all-mac-addresses',
  'description',
  'identifier',
  'name',
  'profile-name',
  'state',
  'type',
  'wait-ip',
]);

function readInterface(list: FactList, item: Tree, { refs, machine }: Context): void {
  const nameTree = child(item, 'name');
  const name = text(nameTree) ?? '';
  const place = nameTree?.place ?? item.place;
  const type = text(child(item, 'type')) ?? '';
  const state = text(child(item, 'state')) ?? 'up';
  if (name === '') return list.find(item.place, 'error', 'This interface has no name; nmstate refuses it.');
  if (state === 'absent' || state === 'ignore') {
    const what = state === 'absent' ? 'takes it away' : 'leaves it alone';
    if (type === 'bond') list.find(place, 'note', `${shown(name)}: state ${state} ${what}; it was left out.`);
    return;
  }
  if (type === 'bond') {
    list.say(place, { kind: 'bond', bond: name });
    list.say(child(item, 'state')?.place ?? place, { kind: 'up', device: name, up: state !== 'down' });
    readBond(list, name, item, refs);
  } else tellOfUpper(list, name, item, { place, type });
  const own = refs.get(name) ?? { by: 'name', name };
  for (const device of own.by === 'name' ? [name] : resolve(machine, own))
    readDevice(list, device, item, { type, machine });
}

/** Devices that stand over others, and where they name those. */
const BELOW: Readonly<Record<string, readonly [what: string, part: string, key: string]>> = {
  'linux-bridge': ['bridge', 'bridge', 'port'],
  'mac-vlan': ['macvlan', 'mac-vlan', 'base-iface'],
  'mac-vtap': ['macvtap', 'mac-vtap', 'base-iface'],
  'ovs-bridge': ['switch', 'bridge', 'port'],
  vlan: ['VLAN', 'vlan', 'base-iface'],
  vrf: ['VRF', 'vrf', 'port'],
  vxlan: ['VXLAN', 'vxlan', 'base-iface'],
  dummy: ['dummy', '', ''],
  veth: ['veth', '', ''],
};

function tellOfUpper(
  list: FactList,
  name: string,
  item: Tree,
  { place, type }: { readonly place: Place; readonly type: string },
): void {
  const below = own(BELOW, type);
  if (below === undefined) return;
  const [what, part, key] = below;
  const value = child(child(item, part), key);
  const ports = value?.kind === 'list' ? value.items : value === null ? [] : [value];
  for (const port of ports) {
    const bonded = child(port, 'link-aggregation');
    if (bonded === null) continue;
    const message = `${shown(text(child(port, 'name')) ?? '')} is a bond of Open vSwitch, which is none of Linux; it was left out, and stays where it is.`;
    list.find(bonded.place, 'warning', message);
  }
  const over = ports.flatMap(port => text(port) ?? text(child(port, 'name')) ?? []);
  const keep = 'keep it in the state, and leave the bond out';
  list.say(place, { kind: 'device', device: name, what, over, keep });
}

function readBond(list: FactList, bond: string, item: Tree, refs: ReadonlyMap<string, InterfaceRef>): void {
  const part = child(item, 'link-aggregation');
  const ref = (name: string): InterfaceRef => refs.get(name) ?? { by: 'name', name };
  for (const { key, place, value } of entriesOf(part)) {
    if (key === 'mode')
      list.say(value.place, { kind: 'option', bond, name: 'mode', value: text(value) ?? '' });
    else if (key === 'port' || key === 'slaves') {
      for (const { text: name, place: at } of textsOf(value))
        list.say(at, { kind: 'member', bond, member: ref(name) });
    } else if (key === 'options') readOptions(list, bond, value);
    else if (key === 'ports-config') {
      for (const port of value.kind === 'list' ? value.items : []) readPort(list, bond, port, ref);
    } else
      list.find(place, 'warning', `${shown(key)} of link-aggregation is not known here; it was left out.`);
  }
  const options = entriesOf(child(part, 'options'));
  const isMonitored = options.some(
    ({ key, value }) => key === 'miimon' || (key === 'arp_interval' && text(value) !== '0'),
  );
  // nmstate leaves that to NetworkManager, whose bonds are never without a monitor.
  if (!isMonitored)
    list.say(part?.place ?? item.place, { kind: 'option', bond, name: 'miimon', value: '100' });
}

/** Words of nmstate for the numbers of the driver. */
const WORDS: Readonly<Record<string, string>> = { delivered: '1', dropped: '0' };

function readOptions(list: FactList, bond: string, options: Tree): void {
  for (const { key, place, value } of entriesOf(options)) {
    const said = textsOf(value)
      .map(each => each.text)
      .join(',');
    const isSwitch = findOption(key)?.kind === 'number';
    const flag = isSwitch
      ? isTrue(value)
        ? '1'
        : /^(?:false|no|off)$/i.test(said)
          ? '0'
          : own(WORDS, said)
      : undefined;
    list.say(value.kind === 'text' ? value.place : place, {
      kind: 'option',
      bond,
      name: key,
      value: flag ?? said,
    });
  }
}

function readPort(list: FactList, bond: string, port: Tree, ref: (name: string) => InterfaceRef): void {
  const name = text(child(port, 'name')) ?? '';
  const member = ref(name);
  list.say(port.place, { kind: 'member', bond, member });
  for (const { key, place, value } of entriesOf(port)) {
    const option = own({ priority: 'prio', 'queue-id': 'queue_id' }, key);
    if (option !== undefined) {
      if (text(value) !== '0')
        list.say(place, { kind: 'member-option', member, name: option, value: text(value) ?? '' });
    } else if (key !== 'name')
      list.find(place, 'warning', `${shown(key)} of a port is not known here; it was left out.`);
  }
}

function readDevice(
  list: FactList,
  device: string,
  item: Tree,
  { type, machine }: { readonly type: string; readonly machine: readonly KnownInterface[] },
): void {
  const part = own(BELOW, type)?.[1] ?? (type === 'bond' ? 'link-aggregation' : type);
  for (const { key, place, value } of entriesOf(item)) {
    if (SILENT.has(key) || key === part) continue;
    if (key === 'mtu') list.say(place, { kind: 'mtu', device, value: text(value) ?? '' });
    else if (key === 'mac-address') list.say(place, { kind: 'mac', device, value: text(value) ?? '' });
    else if (key.startsWith('copy-mac-')) readCopied(list, device, value, machine);
    else if (key === 'ipv4' || key === 'ipv6') readFamily(list, device, key, value);
    else if (type === 'bond' || type === 'ethernet')
      list.find(place, 'warning', `${shown(key)} is not carried over: it is not known here.`, device);
  }
}

/** The bond gets the address of one of its ports. */
function readCopied(list: FactList, device: string, value: Tree, machine: readonly KnownInterface[]): void {
  const from = text(value) ?? '';
  const card = machine.find(({ name }) => name === from);
  if (card !== undefined)
    return list.say(value.place, { kind: 'mac', device, value: card.permanentMac ?? card.mac });
  const message = `copy-mac-from ${shown(from)}: this machine has no such interface, so ${shown(device)} gets the address of its first member.`;
  list.find(value.place, 'warning', message, device);
}

const OF_FAMILIES: ReadonlySet<string> = new Set([
  'addr-gen-mode',
  'address',
  'auto-dns',
  'auto-gateway',
  'auto-routes',
  'autoconf',
  'dhcp',
  'enabled',
]);

function readFamily(list: FactList, device: string, family: 'ipv4' | 'ipv6', tree: Tree): void {
  const has = (key: string): boolean => isTrue(child(tree, key));
  const place = child(tree, 'enabled')?.place ?? tree.place;
  const isOff = child(tree, 'enabled') !== null && !has('enabled');
  if (isOff) {
    if (family === 'ipv6')
      tellSysctl(list, place, device, { what: 'ipv6 enabled: false', key: 'disable_ipv6', value: '1' });
    return;
  }
  if (has('dhcp'))
    list.say(child(tree, 'dhcp')?.place ?? place, { kind: 'dhcp', device, how: `dhcp of ${family}` });
  const autoconf = child(tree, 'autoconf');
  if (family === 'ipv6' && autoconf !== null && !isTrue(autoconf))
    tellSysctl(list, autoconf.place, device, { what: 'autoconf: false', key: 'accept_ra', value: '0' });
  const addresses = child(tree, 'address');
  for (const address of addresses?.kind === 'list' ? addresses.items : []) {
    const said = `${text(child(address, 'ip')) ?? ''}/${text(child(address, 'prefix-length')) ?? ''}`;
    const cidr = cidrText(said);
    if (cidr === null)
      list.find(
        address.place,
        'error',
        `${shown(said)} is no address with a prefix length; nmstate has "ip" and "prefix-length".`,
        device,
      );
    else list.say(address.place, { kind: 'address', device, cidr });
    for (const { key, place: at } of entriesOf(address))
      if (!['ip', 'prefix-length'].includes(key))
        list.find(at, 'warning', `${shown(key)} of this address is not carried over.`, device);
  }
  for (const { key, place: at } of entriesOf(tree))
    if (!OF_FAMILIES.has(key))
      list.find(
        at,
        'warning',
        `${shown(key)} of ${family} is not carried over: it is not known here.`,
        device,
      );
}

function readRoute(list: FactList, route: Tree): void {
  const said = (key: string): string => text(child(route, key)) ?? '';
  const device = said('next-hop-interface');
  const to = destinationText(said('destination'));
  const hop = said('next-hop-address');
  const via = addressText(hop);
  if (said('state') === 'absent') return;
  if (!isMainTable(said('table-id')))
    return list.find(route.place, 'warning', ofAnotherTable(to ?? '', said('table-id')), device);
  if (to === null || (via === null && hop !== '')) {
    const message = `The route to ${shown(said('destination'))} by ${shown(hop)} is none; both must be addresses.`;
    return list.find(route.place, 'error', message, device);
  }
  if (via === null || isNone(via)) return sayDirectRoute(list, route.place, { device, cidr: to });
  list.say(route.place, { kind: 'route', device, to, via, onLink: 'if-needed' });
  for (const { key, place, value } of entriesOf(route)) {
    if (/^(?:destination|next-hop-(?:address|interface)|table-id|state)$/.test(key)) continue;
    if (key === 'metric' && text(value) === '-1') continue;
    list.find(place, 'warning', `${shown(key)} of this route is not carried over.`, device);
  }
}
