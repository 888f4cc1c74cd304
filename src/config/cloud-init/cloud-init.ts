// Reads network configuration of cloud-init, version 1 (a list of devices) and 2 (netplan's form), as curtin and MAAS write it to
// /etc/cloud/cloud.cfg.d and NoCloud has it in network-config. (config)
import { nearestName, shown } from '../../base/index.js';
import { OPTION_TABLE } from '../../policy/index.js';
import { addressText, cidrText, destinationText, prefixLength } from '../addresses.js';
import { child, entriesOf, isTrue, text, textsOf, type Tree, treeOf } from '../yaml/document-tree.js';
import { FactList, type Fact, type KnownInterface, type Place, type SourceFile } from '../facts.js';
import { tellSysctl } from '../ipv6-settings.js';
import { sayDirectRoute, sayPeer } from '../neighbours.js';
import { readNetwork } from '../netplan/netplan.js';
import { isNone } from '../network-rules.js';

/** The facts of all files; each is a configuration of its own. */
export function readCloudInit(files: readonly SourceFile[], machine: readonly KnownInterface[]): Fact[] {
  return files.flatMap(file => readOne(file, machine));
}

/** What stands below `network:`, which NoCloud's files leave out. */
export function networkOfCloudInit(tree: Tree | null): Tree | null {
  const network = child(tree, 'network');
  if (network !== null) return network;
  return child(tree, 'version') !== null || child(tree, 'config') !== null ? tree : null;
}

function readOne({ path, text: content }: SourceFile, machine: readonly KnownInterface[]): Fact[] {
  const list = new FactList(path);
  // Most files of cloud.cfg.d are about something else.
  if (!/network|bond/.test(content)) return list.facts;
  const network = networkOfCloudInit(treeOf(list, path, content));
  const version = child(network, 'version');
  const config = child(network, 'config');
  if (network === null) return list.facts;
  if (text(config) === 'disabled')
    list.find(config?.place ?? network.place, 'note', 'cloud-init leaves the network alone.');
  else if (config?.kind === 'list') readDevices(list, config.items);
  else if (text(version) === '2') readNetwork(list, network, machine);
  else {
    const message = `cloud-init has the versions 1 (with a list "config:") and 2, not ${shown(text(version) ?? 'none')}; nothing of this was taken.`;
    list.find(version?.place ?? network.place, 'error', message);
  }
  return list.facts;
}

/** Keys of a device that are read, and those that only say which one it is. */
const KNOWN: ReadonlySet<string> = new Set([
  'accept-ra',
  'bond_interfaces',
  'bridge_interfaces',
  'mac_address',
  'mtu',
  'name',
  'params',
  'subnets',
  'type',
  'vlan_id',
  'vlan_link',
  // Of curtin and MAAS.
  'id',
  'device_id',
  'keep_configuration',
  'link',
  'optional',
  'wakeonlan',
]);

const KEEP = 'keep it in the configuration of cloud-init, without the bond';

function readDevices(list: FactList, devices: readonly Tree[]): void {
  const hasBonds = devices.some(device => text(child(device, 'type')) === 'bond');
  for (const device of devices) {
    const type = text(child(device, 'type')) ?? '';
    const nameTree = child(device, 'name');
    const name = text(nameTree) ?? '';
    const place = nameTree?.place ?? device.place;
    if (type === 'nameserver') {
      if (hasBonds)
        list.find(device.place, 'warning', 'nameserver is not carried over: set it in the resolver.');
      continue;
    }
    if (type === 'route') {
      readRoute(list, '', device);
      continue;
    }
    if (name === '') {
      list.find(device.place, 'warning', `This ${shown(type || 'device')} has no name; it was left out.`);
      continue;
    }
    if (type === 'bond') readBond(list, name, device, place);
    else if (type === 'vlan')
      sayDevice(list, place, { name, what: 'VLAN', over: textsOf(child(device, 'vlan_link')) });
    else if (type === 'bridge')
      sayDevice(list, place, { name, what: 'bridge', over: textsOf(child(device, 'bridge_interfaces')) });
    else if (!['physical', 'loopback', 'infiniband'].includes(type))
      list.find(
        place,
        'warning',
        `The type ${shown(type)} of ${shown(name)} is not known here; it was left out.`,
        name,
      );
    readDevice(list, name, device, type);
  }
}

function sayDevice(
  list: FactList,
  place: Place,
  {
    name,
    what,
    over,
  }: { readonly name: string; readonly what: string; readonly over: readonly { readonly text: string }[] },
): void {
  list.say(place, { kind: 'device', device: name, what, over: over.map(each => each.text), keep: KEEP });
}

function readBond(list: FactList, bond: string, device: Tree, place: Place): void {
  list.say(place, { kind: 'bond', bond });
  for (const { text: name, place: at } of textsOf(child(device, 'bond_interfaces')))
    list.say(at, { kind: 'member', bond, member: { by: 'name', name } });
  for (const { key, place: at, value } of entriesOf(child(device, 'params'))) {
    const name = /^bond[-_](.+)$/.exec(key)?.[1]?.replaceAll('-', '_');
    const said = textsOf(value)
      .map(each => each.text)
      .join(',');
    if (name === undefined) {
      const near = nearestName(
        key.replaceAll('-', '_'),
        OPTION_TABLE.map(each => each.name),
      );
      const hint = near === undefined ? '' : ` (bond-${near.replaceAll('_', '-')} is one)`;
      const message = `${shown(key)} is no parameter that cloud-init knows${hint}; it passes over it, and it was left out.`;
      list.find(at, 'warning', message);
    } else if (name === 'primary')
      list.say(at, { kind: 'option', bond, name, value: said.split(/[\s,]+/)[0] ?? '', tool: 'cloud-init' });
    else if (name !== 'slaves' && name !== 'master' && said !== '') {
      const value =
        name === 'arp_ip_target'
          ? said
              .split(/[\s,]+/)
              .filter(Boolean)
              .join(',')
          : flagText(said);
      list.say(at, { kind: 'option', bond, name, value, tool: 'cloud-init' });
    }
  }
}

function flagText(value: string): string {
  return /^(?:true|yes)$/i.test(value) ? '1' : /^(?:false|no)$/i.test(value) ? '0' : value;
}

function readDevice(list: FactList, name: string, device: Tree, type: string): void {
  const mac = child(device, 'mac_address');
  // Of a card it says which one is meant.
  if (mac !== null && type === 'bond')
    list.say(mac.place, { kind: 'mac', device: name, value: text(mac) ?? '' });
  const mtu = child(device, 'mtu');
  if (mtu !== null && !isNull(text(mtu)))
    list.say(mtu.place, { kind: 'mtu', device: name, value: text(mtu) ?? '' });
  const advertised = child(device, 'accept-ra');
  if (advertised !== null && !isTrue(advertised))
    tellSysctl(list, advertised.place, name, { what: 'accept-ra: false', key: 'accept_ra', value: '0' });
  const subnets = child(device, 'subnets');
  for (const subnet of subnets?.kind === 'list' ? subnets.items : []) readSubnet(list, name, subnet);
  for (const { key, place } of entriesOf(device))
    if (!KNOWN.has(key))
      list.find(place, 'warning', `${shown(key)} is not known here; it was left out.`, name);
}

function isNull(value: string | null): boolean {
  return value === null || /^(?:|~|null)$/i.test(value);
}

const OF_SUBNETS: ReadonlySet<string> = new Set([
  'address',
  'broadcast',
  'control',
  'gateway',
  'netmask',
  'pointopoint',
  'prefix',
  'routes',
  'type',
]);

function readSubnet(list: FactList, device: string, subnet: Tree): void {
  const type = text(child(subnet, 'type')) ?? 'static';
  if (/^(?:dhcp[46]?|ipv6_dhcpv6-state(?:ful|less))$/.test(type))
    list.say(subnet.place, { kind: 'dhcp', device, how: `a subnet of the type ${type}` });
  else if (!/^(?:static6?|manual|ipv6_slaac)$/.test(type))
    list.find(
      subnet.place,
      'warning',
      `A subnet of the type ${shown(type)} is not known here; it was left out.`,
      device,
    );
  const control = child(subnet, 'control');
  if (control !== null && text(control) === 'manual')
    list.say(control.place, { kind: 'up', device, up: false });
  const address = child(subnet, 'address');
  if (address !== null && type.startsWith('static')) readAddress(list, device, subnet, address);
  const gateway = child(subnet, 'gateway');
  if (gateway !== null && !isNull(text(gateway))) {
    const via = addressText(text(gateway) ?? '');
    const said = shown(text(gateway) ?? '');
    if (via === null) list.find(gateway.place, 'error', `The gateway ${said} is no address.`, device);
    else if (isNone(via))
      list.find(gateway.place, 'warning', `${said} means that there is no gateway; it was left out.`, device);
    else list.say(gateway.place, { kind: 'route', device, to: 'default', via, onLink: 'if-needed' });
  }
  const peer = child(subnet, 'pointopoint');
  const cidr = cidrText(text(peer) ?? '', 32);
  if (peer !== null && cidr !== null)
    sayPeer(list, peer.place, { device, cidr }, `pointopoint ${text(peer) ?? ''}`);
  const routes = child(subnet, 'routes');
  for (const route of routes?.kind === 'list' ? routes.items : []) readRoute(list, device, route);
  for (const { key, place } of entriesOf(subnet)) {
    if (OF_SUBNETS.has(key)) continue;
    const how = key.startsWith('dns_') ? 'set it in the resolver' : 'it is not known here';
    list.find(place, 'warning', `${shown(key)} of this subnet is not carried over: ${how}.`, device);
  }
}

function readAddress(list: FactList, device: string, subnet: Tree, address: Tree): void {
  const said = text(address) ?? '';
  const mask = text(child(subnet, 'prefix')) ?? text(child(subnet, 'netmask'));
  const isSix = said.includes(':');
  const given = mask === null ? null : prefixLength(mask, isSix ? 128 : 32);
  // _normalize_net_keys of cloud-init.
  const guessed = said.includes('/') || mask !== null ? null : isSix ? 64 : 24;
  const cidr = cidrText(said, given ?? guessed);
  if (cidr === null) {
    const message = `address ${shown(said)}${mask === null ? '' : ` with ${shown(mask)}`} is no address with a prefix length; write it as 192.0.2.1/24.`;
    return list.find(address.place, 'error', message, device);
  }
  if (guessed !== null)
    list.find(
      address.place,
      'warning',
      `address ${shown(said)} has no netmask; /${guessed} was taken, as cloud-init does.`,
      device,
    );
  list.say(address.place, { kind: 'address', device, cidr });
}

/** Of a subnet, or (without a device) of the machine. */
function readRoute(list: FactList, device: string, route: Tree): void {
  const target = child(route, 'destination') ?? child(route, 'network') ?? child(route, 'to');
  const mask = text(child(route, 'prefix')) ?? text(child(route, 'netmask'));
  const gateway = child(route, 'gateway') ?? child(route, 'via');
  const said = text(target) ?? '';
  const length =
    mask === null || said.includes('/') ? null : prefixLength(mask, said.includes(':') ? 128 : 32);
  const to = destinationText(length === null ? said : (cidrText(said, length) ?? ''));
  const via = addressText(text(gateway) ?? '');
  const about = device === '' ? undefined : device;
  if (to === null || (gateway !== null && via === null)) {
    const message = `The route to ${shown(said)} by ${shown(text(gateway) ?? '')} is none; both must be addresses.`;
    return list.find(route.place, 'error', message, about);
  }
  if (via === null) {
    if (device !== '') sayDirectRoute(list, route.place, { device, cidr: to });
    return;
  }
  list.say(route.place, { kind: 'route', device, to, via, onLink: 'if-needed' });
  const metric = child(route, 'metric');
  if (metric !== null) list.find(metric.place, 'warning', 'metric of this route is not carried over.', about);
}
