// Reads ifcfg-* files of Red Hat and SUSE (H05): addresses, members by MASTER and SLAVE or by BONDING_SLAVE0, options by
// BONDING_OPTS, teams by TEAM_CONFIG; the files of routes beside them. (config)
import { shown } from '../base/index.js';
import { addressText, cidrText, classLength, destinationText, macText, prefixLength } from './addresses.js';
import { FactList, type Fact, type InterfaceRef, type Place, type SourceFile } from './facts.js';
import { assignment, splitWords } from './logical-lines.js';
import { isRouteFile, readRouteFile } from './route-files.js';
import { type Assignment, shellAssignments } from './shell-assignments.js';
import { readTeam, readTeamPort } from './teamd.js';

const YES = /^(?:yes|true|on|y|t|1)$/i;

/** Keys that need no counterpart: what they say is so anyhow, or concerns only the tool that reads them. */
const SILENT: ReadonlySet<string> = new Set([
  'AUTOCONNECT_SLAVES',
  'AUTOCONNECT_PRIORITY',
  'BONDING_MASTER',
  'BONDING_SKIP_REMOVE_WORKAROUND',
  'BROWSER_ONLY',
  'DEVICETYPE',
  'DEVICE',
  'HOTPLUG',
  'IPV4_FAILURE_FATAL',
  'IPV6INIT',
  'IPV6_AUTOCONF',
  'IPV6_FAILURE_FATAL',
  'IPV6_ADDR_GEN_MODE',
  'IPV6_DEFROUTE',
  'DEFROUTE',
  'NAME',
  'NM_CONTROLLED',
  'PROXY_METHOD',
  'TYPE',
  'USERCONTROL',
  'UUID',
]);

/** Keys of which one sentence says why they are not carried over. */
const NOTES: Readonly<Record<string, string>> = {
  USERCTL: 'who may change the bond is decided by who may open the control socket',
  NETWORK: 'the network follows from address and prefix length',
  BROADCAST: 'the broadcast address follows from address and prefix length',
};

/** Keys whose effect somebody else must have: the resolver, a DHCP client, the firewall. */
const BY_HAND: Readonly<Record<string, string>> = {
  BRIDGE: 'put it into the bridge by "ip link set BOND master BRIDGE" after the bond is made',
  DHCP_HOSTNAME: 'it belongs to the DHCP client',
  DNS1: 'set it in the resolver',
  DNS2: 'set it in the resolver',
  DOMAIN: 'set it in the resolver',
  ETHTOOL_OPTS: 'set it by ethtool',
  ETHTOOL_OPTIONS: 'set it by ethtool',
  PEERDNS: 'set it in the resolver',
  VLAN: 'make the VLAN by "ip link add link BOND" after the bond is made',
  ZONE: 'set it in the firewall',
};

interface Interface {
  readonly list: FactList;
  readonly name: string;
  /** As bonds see it: by its name, or by its MAC address where the file names no device. */
  readonly ref: InterfaceRef;
  readonly values: ReadonlyMap<string, Assignment>;
  readonly place: (key: string) => Place;
  readonly get: (key: string) => string | undefined;
}

/** The facts of one file. */
export function readIfcfg({ path, text }: SourceFile): Fact[] {
  if (isRouteFile(path)) return readRouteFile({ path, text });
  const list = new FactList(path);
  const { assignments, problems } = shellAssignments(text);
  for (const { line, message } of problems) list.find(list.at(line), 'warning', message);
  const values = new Map(assignments.map(each => [each.name, each]));
  const get = (key: string): string | undefined => values.get(key)?.value;
  const ofFile = /(?:^|\/)ifcfg-([^/]+)$/.exec(path)?.[1] ?? '';
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
    readAddresses({ ...one, name: name.slice(0, name.indexOf(':')) });
    return list.facts;
  }
  const dot = name.lastIndexOf('.');
  if (dot > 0) {
    const lower = name.slice(0, dot);
    const message = `The VLAN ${shown(name)} over ${shown(lower)} is not made here; make it with ip after the bond.`;
    list.find(place('DEVICE'), 'warning', message, lower);
  }
  readBond(one);
  readMembership(one);
  readTeamKeys(one);
  readAddresses(one);
  readStart(one);
  readRest(one);
  return list.facts;
}

function isAlias({ name }: Interface): boolean {
  return name.includes(':');
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
      list.find(at, 'error', `${shown(word)} in ${key} is not OPTION=VALUE; it was left out.`);
    } else if (pair.name === 'arp_ip_target') {
      targets.push(...pair.value.split(',').map(target => target.replace(/^\+/, '')));
    } else if (pair.name === 'max_bonds') {
      list.find(at, 'note', 'max_bonds says nothing here: this file makes one bond.');
    } else {
      list.say(at, { kind: 'option', bond: name, name: pair.name, value: pair.value });
    }
  }
  if (targets.length > 0) {
    list.say(at, { kind: 'option', bond: name, name: 'arp_ip_target', value: targets.join(',') });
  }
}

function readMembership(one: Interface): void {
  const { list, name, ref, place, get } = one;
  const master = get('MASTER');
  const slave = get('SLAVE');
  if (master !== undefined && master.trim() !== '') {
    if (slave === undefined || YES.test(slave)) {
      const key = slave === undefined ? 'MASTER' : 'SLAVE';
      if (slave === undefined) {
        list.find(
          place('MASTER'),
          'warning',
          `${name} has MASTER but no SLAVE=yes; it was taken for a member.`,
        );
      }
      list.say(place(key === 'SLAVE' ? 'MASTER' : key), { kind: 'member', bond: master.trim(), member: ref });
    } else {
      list.find(
        place('SLAVE'),
        'warning',
        `${name} has a MASTER, but SLAVE=${shown(slave)}; it was not taken for a member.`,
      );
    }
  } else if (slave !== undefined && YES.test(slave)) {
    list.find(
      place('SLAVE'),
      'error',
      `${name} has SLAVE=${shown(slave)} but no MASTER, so it is not known which bond it is to join.`,
    );
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

function readAddresses(one: Interface): void {
  const { list, name, values, place, get } = one;
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
    const via = addressText(value.split('%')[0] ?? '');
    const to = destinationText('default');
    if (via === null)
      list.find(place(key), 'error', `${key}=${shown(value)} is no address; write it as 192.0.2.1.`, name);
    else if (to !== null) list.say(place(key), { kind: 'route', device: name, to, via });
  }
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
    list.find(
      place('BOOTPROTO'),
      'warning',
      `BOOTPROTO=${protocol}: Bondwire asks nobody for addresses; run a DHCP client on ${name}.`,
      name,
    );
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

const HANDLED =
  /^(?:BONDING_(?:OPTS|MODULE_OPTS|SLAVE_?\d+)|MASTER|MASTER_UUID|SLAVE|TEAM_CONFIG|TEAM_PORT_CONFIG|TEAM_MASTER|(?:IPADDR|NETMASK|PREFIX|PREFIXLEN)_?[A-Za-z0-9_]*|IPV6ADDR|IPV6ADDR_SECONDARIES|GATEWAY\d*|IPV6_DEFAULTGW|ONBOOT|STARTMODE|BOOTPROTO|MTU|MACADDR|LLADDR|HWADDR)$/;

function readRest({ list, name, values, place }: Interface): void {
  for (const key of values.keys()) {
    if (HANDLED.test(key) || SILENT.has(key)) continue;
    const note = NOTES[key.replace(/_?\d*$/, '')];
    const byHand = BY_HAND[key];
    if (note !== undefined) list.find(place(key), 'note', `${key}: ${note}.`, name);
    else if (byHand !== undefined)
      list.find(place(key), 'warning', `${key} is not carried over: ${byHand}.`, name);
    else list.find(place(key), 'warning', `${key} is not known here; it was left out.`, name);
  }
}
