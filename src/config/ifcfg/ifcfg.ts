// Reads ifcfg-* files of Red Hat and SUSE (H05): addresses, members by MASTER and SLAVE or by BONDING_SLAVE0, options by
// BONDING_OPTS, teams by TEAM_CONFIG; the files of routes beside them. (config)
import { advice, shown } from '../../base/index.js';
import { addressText, macText } from '../addresses.js';
import { FactList, type Fact, type Place, type SourceFile } from '../facts.js';
import { type Interface, isNoGateway, noGateway, readAddresses, readRange } from './ifcfg-addresses.js';
import { readRest } from './ifcfg-lost.js';
import { assignment, splitWords } from '../shell/logical-lines.js';
import { isRouteFile, readRouteFile } from './route-files.js';
import { shellAssignments } from '../shell/shell-assignments.js';
import { readTeam, readTeamPort } from '../teamd/teamd.js';

const YES = /^(?:yes|true|on|y|t|1)$/i;

/** Devices by the UUID of their connection, which NetworkManager writes in their place. */
type Connections = ReadonlyMap<string, string>;

/** The facts of all files, which name each other's connections. */
export function readIfcfg(files: readonly SourceFile[]): Fact[] {
  const connections = new Map<string, string>();
  for (const { path, text } of files) {
    if (isRouteFile(path)) continue;
    const values = new Map(shellAssignments(text).assignments.map(({ name, value }) => [name, value.trim()]));
    const uuid = values.get('UUID')?.toLowerCase() ?? '';
    if (uuid !== '') connections.set(uuid, values.get('DEVICE') || nameOfFile(path));
  }
  return files.flatMap(file => (isRouteFile(file.path) ? readRouteFile(file) : readOne(file, connections)));
}

/** True for /etc/sysconfig/network. */
export function isGlobalFile(path: string): boolean {
  return /(?:^|\/)sysconfig\/network$/.test(path);
}

/** The interface after `ifcfg-`. */
function nameOfFile(path: string): string {
  return /(?:^|\/)ifcfg-([^/]+)$/.exec(path)?.[1] ?? '';
}

/** GATEWAY and GATEWAYDEV of /etc/sysconfig/network, where Red Hat's systems of old have the default route. */
function readGlobal({ path, text }: SourceFile): Fact[] {
  const list = new FactList(path);
  const values = new Map(shellAssignments(text).assignments.map(each => [each.name, each]));
  const device = values.get('GATEWAYDEV')?.value.trim() ?? '';
  for (const key of ['GATEWAY', 'IPV6_DEFAULTGW']) {
    const given = values.get(key);
    if (given === undefined || given.value.trim() === '') continue;
    const via = addressText(given.value.split('%')[0] ?? '');
    const place = list.at(given.line);
    if (isNoGateway(given.value)) list.find(place, 'note', noGateway(key, given.value), device || undefined);
    else if (via === null)
      list.find(place, 'error', `${key}=${shown(given.value)} is no address; write it as 192.0.2.1.`);
    else list.say(place, { kind: 'route', device, to: 'default', via });
  }
  return list.facts;
}

function readOne({ path, text }: SourceFile, connections: Connections): Fact[] {
  if (isGlobalFile(path)) return readGlobal({ path, text });
  const list = new FactList(path);
  const { assignments, problems } = shellAssignments(text);
  for (const { line, message } of problems) list.find(list.at(line), 'warning', message);
  const values = new Map(assignments.map(each => [each.name, each]));
  const get = (key: string): string | undefined => values.get(key)?.value;
  const ofFile = nameOfFile(path);
  const name = (get('DEVICE') ?? '') || ofFile;
  if (name === '') {
    list.find(
      list.at(1),
      'error',
      'Neither DEVICE nor the name of the file (ifcfg-NAME) says which interface this is.',
    );
    return list.facts;
  }
  const mac = get('DEVICE') === undefined ? macText(get('HWADDR') ?? '') : null;
  const place = (key: string): Place => list.at(values.get(key)?.line ?? 1);
  const one: Interface = {
    list,
    name,
    ref: mac === null ? { by: 'name', name } : { by: 'mac', mac },
    values,
    place,
    get,
  };
  if (isAlias(one)) {
    // eth0:1 and bond0:1 of old: further addresses of the same interface.
    const parent = { ...one, name: name.slice(0, name.indexOf(':')) };
    readAddresses(parent);
    for (const key of ['ONPARENT', 'ONBOOT']) {
      if (/^(?:no|false|off|n|0)$/i.test(get(key) ?? ''))
        list.find(
          place(key),
          'warning',
          `${key}=${shown(get(key) ?? '')}: the address is given all the same.`,
          parent.name,
        );
    }
    for (const key of ['MTU', 'MACADDR', 'LLADDR'].filter(each => values.has(each)))
      list.find(
        place(key),
        'warning',
        `${key} of the alias ${shown(name)} is not carried over.`,
        parent.name,
      );
    readRest(parent);
    return list.facts;
  }
  // ifup-aliases gives each address of a range to the interface before the dash.
  const range = /^(.+)-range\d+$/.exec(ofFile)?.[1];
  if (range !== undefined) {
    readRange(one, get('DEVICE') || range);
    return list.facts;
  }
  if (tellOfOpenVSwitch(one)) return list.facts;
  tellOfUpper(one);
  readBond(one);
  readMembership(one, connections);
  readPort(one);
  readTeamKeys(one);
  readAddresses(one);
  readStart(one);
  readRest(one);
  return list.facts;
}

function isAlias({ name }: Interface): boolean {
  return name.includes(':');
}

/** VLANs and bridges over what may be a bond: Bondwire makes neither. */
function tellOfUpper({ list, name, place, get }: Interface): void {
  const keep = `keep ifcfg-${shown(name)}, take the bond's own file away, and have Bondwire start before network.service and NetworkManager`;
  const said = (key: string): string => (get(key) ?? '').trim();
  const dot = name.lastIndexOf('.');
  const key = ['PHYSDEV', 'ETHERDEVICE'].find(each => said(each) !== '');
  const lower = key === undefined ? (dot > 0 ? name.slice(0, dot) : '') : said(key);
  if (lower !== '')
    list.say(place(key ?? 'DEVICE'), { kind: 'device', device: name, what: 'VLAN', over: [lower], keep });
  const ports = said('BRIDGE_PORTS')
    .split(/\s+/)
    .filter(word => word !== '');
  if (ports.length > 0)
    list.say(place('BRIDGE_PORTS'), { kind: 'device', device: name, what: 'bridge', over: ports, keep });
  // SUSE says by BRIDGE=yes that this is one.
  if (!/^(?:|yes|no)$/i.test(said('BRIDGE'))) {
    const how = `put ${shown(name)} into it by "${advice('ip link set dev {bond} master {bridge}', { bond: name, bridge: said('BRIDGE') })}" after the bond is made`;
    list.say(place('BRIDGE'), {
      kind: 'device',
      device: said('BRIDGE'),
      what: 'bridge',
      over: [name],
      keep: how,
    });
  }
}

/** Bonds and ports of Open vSwitch are no interfaces of Linux. True where the file is for nothing else. */
function tellOfOpenVSwitch({ list, name, place, get }: Interface): boolean {
  const type = (get('TYPE') ?? '').trim().toLowerCase();
  if (type !== 'ovsbond') return false;
  const message = `${shown(name)} is a bond of Open vSwitch, which is none of Linux; it was left out, and stays where it is.`;
  list.find(place('TYPE'), 'warning', message);
  return true;
}

function isMember({ get }: Interface): boolean {
  return (
    YES.test(get('SLAVE') ?? '') ||
    ['MASTER', 'MASTER_UUID', 'TEAM_MASTER'].some(key => get(key) !== undefined)
  );
}

function readBond(one: Interface): void {
  const { list, name, values, place, get } = one;
  const optionKey = ['BONDING_OPTS', 'BONDING_MODULE_OPTS'].find(key => get(key) !== undefined);
  const slaves = Array.from(values.keys()).filter(key => /^BONDING_SLAVE_?\d+$/.test(key));
  const typed = (get('TYPE') ?? '').toLowerCase() === 'bond' || YES.test(get('BONDING_MASTER') ?? '');
  const named = /^bond\d+$/.test(name) && !isMember(one);
  if (!typed && !named && optionKey === undefined && slaves.length === 0) return;
  const first = typed
    ? (['TYPE', 'BONDING_MASTER'].find(key => get(key) !== undefined) ?? '')
    : (optionKey ?? 'DEVICE');
  list.say(place(first), { kind: 'bond', bond: name });
  if (optionKey !== undefined) readOptions(one, optionKey);
  const order = slaves.toSorted((a, b) => numberOf(a) - numberOf(b));
  for (const key of order) {
    const member = (get(key) ?? '').trim();
    // SUSE also names cards by their bus or MAC address: `bus-pci-0000:05:00.0`, `eth-id-00:…`.
    const byMac = macText(/^eth-id-(.*)$/.exec(member)?.[1] ?? '');
    if (byMac !== null)
      list.say(place(key), { kind: 'member', bond: name, member: { by: 'mac', mac: byMac } });
    else if (/^[^\s/:]{1,15}$/.test(member)) {
      list.say(place(key), { kind: 'member', bond: name, member: { by: 'name', name: member } });
    } else if (member !== '') {
      list.find(
        place(key),
        'error',
        `${shown(member)} names no interface by its name; write the name of the interface.`,
      );
    }
  }
}

function numberOf(key: string): number {
  return Number(/\d+$/.exec(key)?.[0] ?? 0);
}

/** `mode=1 miimon=100 arp_ip_target=+192.0.2.1,…`, written to the bond's files one after the other. */
function readOptions({ list, name, place, get }: Interface, key: string): void {
  const at = place(key);
  const targets: string[] = [];
  for (const word of splitWords(get(key) ?? '')) {
    const pair = assignment(word);
    if (pair === null) {
      const message = `${shown(word)} in ${key} is not OPTION=VALUE; ifup logs that and goes on without it, and it was left out.`;
      list.find(at, 'warning', message);
    } else if (pair.name === 'arp_ip_target') {
      const named = pair.value.split(',').map(target => target.replace(/^\+/, ''));
      targets.push(...named.filter(target => target !== ''));
    } else if (pair.name === 'max_bonds') {
      list.find(at, 'note', 'max_bonds says nothing here: this file makes one bond.');
    } else {
      list.say(at, { kind: 'option', bond: name, name: pair.name, value: pair.value, tool: 'ifcfg' });
    }
  }
  if (targets.length > 0) {
    list.say(at, {
      kind: 'option',
      bond: name,
      name: 'arp_ip_target',
      value: targets.join(','),
      tool: 'ifcfg',
    });
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The bond that a file names as its master, by name or by the UUID of its connection. */
function masterOf(
  one: Interface,
  connections: Connections,
): { readonly key: string; readonly name: string } | null {
  const { list, place, get } = one;
  for (const key of ['MASTER', 'MASTER_UUID']) {
    const said = (get(key) ?? '').trim();
    if (said === '') continue;
    const uuid = said.toLowerCase();
    if (!UUID.test(uuid)) return { key, name: said };
    const device = connections.get(uuid);
    if (device !== undefined) return { key, name: device };
    const message = `${key}=${shown(said)} is the UUID of a connection that no file here describes, so it is not known which bond ${shown(one.name)} is to join.`;
    list.find(place(key), 'error', message);
  }
  return null;
}

function readMembership(one: Interface, connections: Connections): void {
  const { list, name, ref, place, get } = one;
  const found = masterOf(one, connections);
  const master = found?.name;
  const slave = get('SLAVE');
  const named = ['MASTER', 'MASTER_UUID'].some(key => (get(key) ?? '').trim() !== '');
  if (master !== undefined && found !== null) {
    if (slave === undefined || YES.test(slave)) {
      if (slave === undefined && found.key === 'MASTER') {
        list.find(
          place('MASTER'),
          'warning',
          `${name} has MASTER but no SLAVE=yes; it was taken for a member.`,
        );
      }
      list.say(place(found.key), { kind: 'member', bond: master, member: ref, tool: 'ifcfg' });
    } else {
      list.find(
        place('SLAVE'),
        'warning',
        `${name} has a MASTER, but SLAVE=${shown(slave)}; it was not taken for a member.`,
      );
    }
  } else if (slave !== undefined && YES.test(slave) && !named) {
    list.find(
      place('SLAVE'),
      'error',
      `${name} has SLAVE=${shown(slave)} but no MASTER, so it is not known which bond it is to join.`,
    );
  }
}

/** What NetworkManager sets on a port of a bond. */
function readPort({ list, ref, place, get }: Interface): void {
  for (const [key, option] of [
    ['BOND_PORT_QUEUE_ID', 'queue_id'],
    ['BOND_PORT_PRIO', 'prio'],
  ] as const) {
    const value = (get(key) ?? '').trim();
    if (!['', '0'].includes(value))
      list.say(place(key), { kind: 'member-option', member: ref, name: option, value, tool: 'ifcfg' });
  }
}

function readTeamKeys(one: Interface): void {
  const { list, name, ref, place, get } = one;
  const team = get('TEAM_CONFIG');
  if (team !== undefined) readTeam({ list, text: team, place: place('TEAM_CONFIG'), device: name });
  else if (/^team$/i.test(get('DEVICETYPE') ?? get('TYPE') ?? '')) {
    list.say(place('DEVICETYPE'), { kind: 'bond', bond: name });
    readTeam({ list, text: '{}', place: place('DEVICETYPE'), device: name });
  }
  const master = get('TEAM_MASTER');
  if (master === undefined) return;
  list.say(place('TEAM_MASTER'), { kind: 'member', bond: master, member: ref });
  const port = get('TEAM_PORT_CONFIG');
  if (port !== undefined) readTeamPort({ list, text: port, place: place('TEAM_PORT_CONFIG'), member: ref });
}

function readStart(one: Interface): void {
  const { list, name, place, get } = one;
  const onboot = get('ONBOOT');
  const startMode = get('STARTMODE');
  if (onboot !== undefined) list.say(place('ONBOOT'), { kind: 'up', device: name, up: YES.test(onboot) });
  else if (startMode !== undefined) {
    const up = !['off', 'manual'].includes(startMode.trim().toLowerCase());
    list.say(place('STARTMODE'), { kind: 'up', device: name, up });
  }
  const protocol = (get('BOOTPROTO') ?? 'none').trim().toLowerCase();
  if (['dhcp', 'bootp', 'dhcp4', 'dhcp6', 'dhcp+autoip', 'autoip'].includes(protocol)) {
    list.say(place('BOOTPROTO'), { kind: 'dhcp', device: name, how: `BOOTPROTO=${protocol}` });
  } else if (!['none', 'static', '', 'ibft', 'shared'].includes(protocol)) {
    list.find(
      place('BOOTPROTO'),
      'warning',
      `BOOTPROTO=${shown(protocol)} is not known; it was taken for none.`,
      name,
    );
  }
  const mtu = get('MTU');
  if (mtu !== undefined && mtu.trim() !== '')
    list.say(place('MTU'), { kind: 'mtu', device: name, value: mtu.trim() });
  const macKey = ['MACADDR', 'LLADDR'].find(key => (get(key) ?? '').trim() !== '');
  if (macKey !== undefined) list.say(place(macKey), { kind: 'mac', device: name, value: get(macKey) ?? '' });
  if (get('HWADDR') !== undefined && !isMember(one) && one.ref.by === 'name') {
    const message = `HWADDR only says which card the file is for, and ${name} is none; MACADDR would give it that address.`;
    list.find(place('HWADDR'), 'note', message, name);
  }
}
