// Reads /etc/network/interfaces (ifupdown with ifenslave, ifupdown2, ifupdown-ng): bond-* options, members listed at the
// bond or bonds named at the members, and the commands that are run when an interface comes up. (config)
import { shown } from '../base/index.js';
import { addressText, cidrText, classLength, prefixLength } from './addresses.js';
import { FactList, type Fact, interfaceRef, type Place, type SourceFile } from './facts.js';
import { logicalLines } from './logical-lines.js';
import { readCommands } from './shell-commands.js';

interface Line {
  readonly word: string;
  readonly rest: string;
  readonly place: Place;
}

interface Stanza {
  readonly device: string;
  readonly family: string;
  readonly method: string;
  readonly place: Place;
  readonly lines: Line[];
}

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

function plainWord(word: string): string {
  return word.replaceAll('-', '_');
}

/** The `source` lines of a file, for whoever reads files. */
export function sourceLines({ path, text }: SourceFile): SourceLine[] {
  return logicalLines(text).flatMap(({ text: line, line: number }) => {
    const [directive, ...rest] = line.split(/\s+/);
    if (directive !== 'source' && directive !== 'source-directory') return [];
    return [{ directive, pattern: rest.join(' '), place: { file: path, line: number } }];
  });
}

/** The facts of one file; of the files that it sources, each for itself. */
export function readInterfaces(file: SourceFile): Fact[] {
  const list = new FactList(file.path);
  const stanzas: Stanza[] = [];
  let current: Stanza | null = null;
  let inMapping = false;
  for (const { text, line } of logicalLines(file.text)) {
    const place = list.at(line);
    const [word = '', ...words] = text.split(/\s+/);
    const rest = text.slice(word.length).trim();
    if (word === 'iface') {
      inMapping = false;
      const [device = '', family = '', method = ''] = words;
      current = { device, family, method, place, lines: [] };
      if (device === '')
        list.find(place, 'error', 'iface names no interface; write it as: iface bond0 inet static.');
      else stanzas.push(current);
    } else if (word === 'auto' || word.startsWith('allow-')) {
      current = null;
      inMapping = false;
      for (const device of words) {
        if (word === 'auto' || word === 'allow-auto' || word === 'allow-hotplug')
          list.say(place, { kind: 'up', device, up: true });
        else
          list.say(place, {
            kind: 'member',
            bond: word.slice('allow-'.length),
            member: interfaceRef(device),
          });
      }
    } else if (word === 'mapping') {
      inMapping = true;
      current = null;
      list.find(
        place,
        'warning',
        'A mapping asks a script for the name, which is not run here; name the interfaces themselves.',
        words[0],
      );
    } else if (
      word === 'source' ||
      word === 'source-directory' ||
      word === 'no-auto-down' ||
      word === 'no-scripts'
    ) {
      current = null;
      inMapping = false;
    } else if (current !== null) {
      current.lines.push({ word: plainWord(word), rest, place });
    } else if (!inMapping) {
      list.find(place, 'warning', `${shown(word)} stands outside of every iface; the line was left out.`);
    }
  }
  const started = new Set(list.facts.flatMap(fact => (fact.kind === 'up' ? [fact.device] : [])));
  for (const stanza of stanzas) readStanza(list, stanza, started);
  return keepAllowedMembers(list.facts, stanzas);
}

/** `allow-CLASS` names a bond only where there is one of that name; other classes are people's own. */
function keepAllowedMembers(facts: readonly Fact[], stanzas: readonly Stanza[]): Fact[] {
  const bonds = new Set(facts.flatMap(fact => (fact.kind === 'bond' ? [fact.bond] : [])));
  const devices = new Set(stanzas.map(({ device }) => device));
  return facts.filter(
    fact =>
      fact.kind !== 'member' || bonds.has(fact.bond) || devices.has(fact.bond) || /^bond\d*$/.test(fact.bond),
  );
}

function readStanza(list: FactList, stanza: Stanza, started: ReadonlySet<string>): void {
  const { device, place, lines } = stanza;
  const master = lines.findLast(({ word }) => word === 'bond_master')?.rest ?? null;
  const isBond =
    lines.some(({ word }) => MEMBERS.has(word)) ||
    (master === null && lines.some(({ word }) => /^bond_(?!master$|primary$)/.test(word)));
  if (isBond && master === null) {
    list.say(place, { kind: 'bond', bond: device });
    if (!started.has(device)) list.say(place, { kind: 'up', device, up: false });
  }
  if (master !== null && master !== '') {
    const line = lines.findLast(({ word }) => word === 'bond_master');
    if (master !== 'none')
      list.say(line?.place ?? place, { kind: 'member', bond: master, member: interfaceRef(device) });
  }
  const bond = master ?? device;
  readMethod(list, stanza);
  for (const line of lines) readLine(list, stanza, bond, line, isBond || master !== null);
  tellOfUpper(list, stanza);
}

/** A VLAN or bridge over something that may be a bond: Bondwire makes neither. */
function tellOfUpper(list: FactList, { device, place, lines }: Stanza): void {
  const below = lines
    .filter(({ word }) => word === 'vlan_raw_device' || word === 'bridge_ports')
    .flatMap(({ rest }) => rest.split(/\s+/));
  const dot = device.lastIndexOf('.');
  for (const lower of new Set(dot > 0 ? [...below, device.slice(0, dot)] : below)) {
    const message = `${shown(device)} over ${shown(lower)} is not made here; make it with ip after the bond.`;
    list.find(place, 'warning', message, lower);
  }
}

function readLine(list: FactList, stanza: Stanza, bond: string, line: Line, isAboutBond: boolean): void {
  const { device } = stanza;
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
  else if (word === 'mtu') list.say(place, { kind: 'mtu', device, value: rest });
  else if (word === 'hwaddress')
    list.say(place, { kind: 'mac', device, value: rest.replace(/^ether\s+/, '') });
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
  else if (!SILENT.has(word) && (isAboutBond || word.startsWith('bond'))) {
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
  const why = Object.hasOwn(NOT_OPTIONS, name) ? NOT_OPTIONS[name] : undefined;
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
    const option = { min_link: 'min_links', updelay: 'updelay', hash: 'xmit_hash_policy' }[name] ?? name;
    list.say(place, { kind: 'option', bond, name: option, value: rest });
  }
}

/** Addresses by `address` and `netmask`, as they belong to each family. */
function readMethod(list: FactList, { device, family, method, lines, place }: Stanza): void {
  if (method === 'dhcp' || method === 'bootp' || method === 'auto' || method === 'ppp') {
    if (method !== 'auto') {
      list.find(
        place,
        'warning',
        `${method}: Bondwire asks nobody for addresses; run a DHCP client on ${device}.`,
        device,
      );
    }
    return;
  }
  const mask = lines.findLast(({ word }) => word === 'netmask');
  for (const line of lines.filter(({ word }) => word === 'address')) {
    const text = line.rest.split(/\s+/)[0] ?? '';
    const isIpv6 = text.includes(':');
    const given =
      mask === undefined || text.includes('/')
        ? null
        : prefixLength(mask.rest, isIpv6 || family === 'inet6' ? 128 : 32);
    const guessed = mask === undefined && !text.includes('/') ? (isIpv6 ? 64 : classLength(text)) : null;
    const cidr = cidrText(text, given ?? guessed);
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
