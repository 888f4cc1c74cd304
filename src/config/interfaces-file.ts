// Reads /etc/network/interfaces (ifupdown with ifenslave, ifupdown2, ifupdown-ng): bond-* options, members listed at the
// bond or bonds named at the members, and the commands that are run when an interface comes up. (config)
import { own, shown } from '../base/index.js';
import { addressText, cidrText, classLength, prefixLength } from './addresses.js';
import { type Fact, type FactList, interfaceRef, type Place, type SourceFile } from './facts.js';
import { Inheritance, type Line, readStanzas, type Stanza, type Start } from './interfaces-stanzas.js';
import { logicalLines } from './logical-lines.js';
import { matches } from './machine-match.js';
import { readCommands } from './shell-commands.js';

/** A `source` or `source-directory` line: other files that belong to this one. */
export interface SourceLine {
  readonly directive: 'source' | 'source-directory';
  /** As it stands there; relative to the file's own folder. */
  readonly pattern: string;
  readonly place: Place;
}

/** Members of a bond, by their names of several generations. */
const MEMBERS: ReadonlySet<string> = new Set(['slaves', 'bond_slaves', 'bond_members', 'bond_ports']);

/** bond-* options that are no options of the driver, with what becomes of them. */
const NOT_OPTIONS: Readonly<Record<string, string>> = {
  give_a_chance: 'it forces a wireless card to be the primary for a while, which nothing here does',
  lacp_bypass_allow: 'only the maker of one switch has it',
  lacp_bypass_all_active: 'only the maker of one switch has it',
};

/** Other names of options, those of ifupdown2 among them. */
const ALIASES: Readonly<Record<string, string>> = {
  ad_sys_mac_addr: 'ad_actor_system',
  ad_sys_priority: 'ad_actor_sys_prio',
  hash: 'xmit_hash_policy',
  min_link: 'min_links',
};

const COMMANDS: ReadonlySet<string> = new Set(['up', 'post_up', 'pre_up']);
const AT_THE_END: ReadonlySet<string> = new Set(['down', 'post_down', 'pre_down']);
const SILENT: ReadonlySet<string> = new Set([
  'allow',
  'broadcast',
  'network',
  'scope',
  'bridge_ports',
  'vlan_raw_device',
  'accept_ra',
  'autoconf',
  'dad_attempts',
  'privext',
  'requires',
  'use',
]);

/** The `source` lines of a file, for whoever reads files. */
export function sourceLines({ path, text }: SourceFile): SourceLine[] {
  return logicalLines(text, '#', false).flatMap(({ text: line, line: number }) => {
    const [directive, ...rest] = line.split(/\s+/);
    if (directive !== 'source' && directive !== 'source-directory') return [];
    return rest.map(pattern => ({ directive, pattern, place: { file: path, line: number } }));
  });
}

/** The facts of all files of ifupdown, which read each other and are one configuration. */
export function readInterfaces(files: readonly SourceFile[]): Fact[] {
  const readings = files.map(readStanzas);
  const all = readings.flatMap(({ stanzas }) => stanzas);
  const starts = readings.flatMap(reading => reading.starts);
  const inheritance = new Inheritance(all);
  const isBond = (stanza: Stanza): boolean => isBondStanza(inheritance.linesOf(stanza));
  const bonds = new Set(all.filter(isBond).map(({ device }) => device));
  const devices = new Set(all.map(({ device }) => device));
  return readings.flatMap(({ list, stanzas, starts: own, allowed }) => {
    for (const { device, place } of own) list.say(place, { kind: 'up', device, up: true });
    for (const { bond, device, place } of allowed) {
      // `allow-CLASS` names a bond only where there is one of that name; other classes are people's own.
      if (!bonds.has(bond) && !devices.has(bond) && !/^bond\d*$/.test(bond)) continue;
      list.say(place, { kind: 'member', bond, member: interfaceRef(device.replace(/^\//, '')) });
    }
    for (const stanza of stanzas) {
      if (stanza.isTemplate || isOnlyInherited(stanza, all, starts)) continue;
      readStanza(list, stanza, inheritance, starts);
    }
    return list.facts;
  });
}

/** An `iface` that others inherit from and that nothing starts is no interface. */
function isOnlyInherited(stanza: Stanza, all: readonly Stanza[], starts: readonly Start[]): boolean {
  return (
    all.some(other => other.inherits.some(({ name }) => name === stanza.device)) &&
    all.every(
      ({ device, lines }) => device !== stanza.device || lines.every(({ word }) => !MEMBERS.has(word)),
    ) &&
    !starts.some(({ device }) => device === stanza.device)
  );
}

function masterOf(lines: readonly Line[]): Line | undefined {
  return lines.findLast(({ word }) => word === 'bond_master');
}

/** Lists members, or has options of a bond without being a member itself. */
function isBondStanza(lines: readonly Line[]): boolean {
  return (
    masterOf(lines) === undefined &&
    lines.some(({ word }) => MEMBERS.has(word) || /^bond_(?!master$|primary$)/.test(word))
  );
}

function readStanza(
  list: FactList,
  stanza: Stanza,
  inheritance: Inheritance,
  starts: readonly Start[],
): void {
  const { device, place } = stanza;
  const lines = inheritance.linesOf(stanza);
  inheritance.tellLost(stanza, (at, message) => list.find(at, 'error', message, device));
  const master = masterOf(lines);
  if (isBondStanza(lines)) {
    list.say(place, { kind: 'bond', bond: device });
    readStart(list, device, place, starts);
  }
  if (master !== undefined && !['', 'none'].includes(master.rest))
    list.say(master.place, { kind: 'member', bond: master.rest, member: interfaceRef(device) });
  readMethod(list, stanza, lines);
  for (const line of lines) readLine(list, stanza, master?.rest ?? device, line);
  tellOfUpper(list, device, lines, place);
}

/** Whether a bond that is not started by its name is brought up at boot: by a pattern, which looks among interfaces that exist. */
function readStart(list: FactList, device: string, place: Place, starts: readonly Start[]): void {
  if (starts.some(start => start.device === device)) return;
  const fits = starts.find(
    start => start.device === 'all' || matches(start.device.replace(/^.*\//, ''), device),
  );
  if (fits !== undefined && fits.device !== 'all') {
    const message = `${shown(fits.device)} is a pattern for interfaces that exist, which ${shown(device)} is not before it is made; it was taken to be brought up.`;
    list.find(fits.place, 'warning', message, device);
  }
  list.say(fits?.place ?? place, { kind: 'up', device, up: fits !== undefined });
}

/** A VLAN or bridge over something that may be a bond: Bondwire makes neither. */
function tellOfUpper(list: FactList, device: string, lines: readonly Line[], place: Place): void {
  const below = lines
    .filter(({ word }) => word === 'vlan_raw_device' || word === 'bridge_ports')
    .flatMap(({ rest }) => rest.split(/\s+/));
  const dot = device.lastIndexOf('.');
  for (const lower of new Set(dot > 0 ? [...below, device.slice(0, dot)] : below)) {
    const message = `${shown(device)} over ${shown(lower)} is not made here; make it with ip after the bond.`;
    list.find(place, 'warning', message, lower);
  }
}

function readLine(list: FactList, stanza: Stanza, bond: string, line: Line): void {
  const { device, family, method } = stanza;
  const { word, rest, place } = line;
  if (MEMBERS.has(word)) readMembers(list, bond, rest, place);
  else if (COMMANDS.has(word)) readCommands(list, device, rest, place);
  else if (AT_THE_END.has(word)) {
    list.find(
      place,
      'note',
      `What is run at the end (${word.replace('_', '-')}) is not carried over; "bondwire destroy" puts everything back.`,
      device,
    );
  } else if (word === 'bond_master') return;
  else if (word.startsWith('bond_')) readBondOption(list, bond, word.slice('bond_'.length), rest, place);
  else if (word === 'mtu' && family === 'inet6')
    list.find(
      place,
      'warning',
      `mtu ${shown(rest)} of inet6 is that of IPv6 alone, which is not carried over.`,
      device,
    );
  else if (word === 'mtu') list.say(place, { kind: 'mtu', device, value: rest });
  else if (word === 'hwaddress')
    list.say(place, { kind: 'mac', device, value: rest.replace(/^ether\s+/, '') });
  else if (word === 'gateway' && ASKING.has(method))
    list.find(place, 'warning', `gateway is not used where addresses are asked for (${method}).`, device);
  else if (word === 'gateway') {
    const via = addressText(rest.split(/\s+/)[0] ?? '');
    if (via === null) list.find(place, 'error', `gateway ${shown(rest)} is no address.`, device);
    else list.say(place, { kind: 'route', device, to: 'default', via });
  } else if (word === 'address' || word === 'netmask') return;
  else if (word.startsWith('dns_'))
    list.find(
      place,
      'warning',
      `${word.replace('_', '-')} is not carried over: set it in the resolver.`,
      device,
    );
  else if (word === 'metric')
    list.find(place, 'warning', 'metric is not carried over: routes get the metric of the kernel.', device);
  else if (!SILENT.has(word)) {
    list.find(
      place,
      'warning',
      `${shown(word.replaceAll('_', '-'))} is not known here; it was left out.`,
      device,
    );
  }
}

function readMembers(list: FactList, bond: string, rest: string, place: Place): void {
  const words = rest.split(/\s+/).filter(name => name !== '' && name !== 'none' && name !== 'dev');
  for (const name of words) {
    if (name === 'all' || name.startsWith('/') || name === 'regex' || name === 'glob') {
      list.find(
        place,
        'error',
        `${shown(name)} as member of ${shown(bond)} is a choice by pattern; name the interfaces themselves.`,
      );
      return;
    }
    list.say(place, { kind: 'member', bond, member: interfaceRef(name.replace(/^\+/, '')) });
  }
}

function readBondOption(list: FactList, bond: string, name: string, rest: string, place: Place): void {
  const why = own(NOT_OPTIONS, name);
  const words = rest.split(/[\s,]+/).filter(word => word !== '');
  if (why !== undefined)
    list.find(place, 'warning', `bond-${name.replaceAll('_', '-')} is not carried over: ${why}.`);
  else if (name === 'primary') {
    const [first] = words;
    if (first !== undefined) list.say(place, { kind: 'option', bond, name: 'primary', value: first });
    if (words.length > 1) {
      list.find(
        place,
        'warning',
        `bond-primary names several interfaces; ${shown(first ?? '')}, the first, was taken.`,
      );
    }
  } else if (name === 'arp_ip_target' || name === 'ns_ip6_target') {
    list.say(place, {
      kind: 'option',
      bond,
      name,
      value: words.map(word => word.replace(/^\+/, '')).join(','),
    });
  } else if (name === 'queue_id') {
    for (const word of words) {
      const colon = word.lastIndexOf(':');
      const member = interfaceRef(word.slice(0, Math.max(0, colon)));
      if (colon < 1) list.find(place, 'error', `bond-queue-id ${shown(word)} is not INTERFACE:N.`);
      else list.say(place, { kind: 'member-option', member, name: 'queue_id', value: word.slice(colon + 1) });
    }
  } else {
    const option = own(ALIASES, name) ?? name;
    const flag = option === 'use_carrier' ? own({ yes: '1', no: '0', on: '1', off: '0' }, rest) : undefined;
    list.say(place, { kind: 'option', bond, name: option, value: flag ?? rest });
  }
}

/** Methods that ask somebody for addresses. */
const ASKING: ReadonlySet<string> = new Set(['auto', 'bootp', 'dhcp', 'ppp']);
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
function readMethod(list: FactList, { device, family, method, place }: Stanza, lines: readonly Line[]): void {
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
