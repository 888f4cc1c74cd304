// One option of a stanza of ifupdown: members and options of bonds, and what is set on an interface. (config)
import { own, shown } from '../../base/index.js';
import { addressText, cidrText } from '../addresses.js';
import { type FactList, interfaceRef, type Place } from '../facts.js';
import { ASKING } from './interfaces-methods.js';
import { commentBehind, type Line, type Stanza } from './interfaces-stanzas.js';
import { tellSysctl } from '../ipv6-settings.js';
import { sayPeer } from '../neighbours.js';
import { readCommands } from '../shell/shell-commands.js';

/** Members of a bond, by their names of several generations. */
export const MEMBERS: ReadonlySet<string> = new Set(['slaves', 'bond_slaves', 'bond_members', 'bond_ports']);

/** bond-* options that are no options of the driver, with what becomes of them. */
const NOT_OPTIONS: Readonly<Record<string, string>> = {
  give_a_chance: 'it forces a wireless card to be the primary for a while, which nothing here does',
  lacp_bypass_allow: 'only the maker of one switch has it',
  lacp_bypass_all_active: 'only the maker of one switch has it',
  lacp_bypass_period: 'only the maker of one switch has it',
  lacp_bypass_priority: 'only the maker of one switch has it',
};

/** Other names of options, those of ifupdown2 among them. */
const ALIASES: Readonly<Record<string, string>> = {
  ad_sys_mac_addr: 'ad_actor_system',
  ad_sys_priority: 'ad_actor_sys_prio',
  hash: 'xmit_hash_policy',
  min_link: 'min_links',
};

/** Options that ifenslave 2.13 writes nowhere, and ifupdown2 and ifupdown-ng do. */
const NOT_OF_IFENSLAVE: ReadonlySet<string> = new Set([
  'ad_actor_sys_prio',
  'ad_actor_system',
  'ad_user_port_key',
  'all_slaves_active',
  'arp_all_targets',
  'arp_missed_max',
  'lacp_active',
  'lp_interval',
  'min_links',
  'ns_ip6_target',
  'peer_notif_delay',
  'resend_igmp',
]);

/** What ifupdown sets by sysctl for a stanza of inet6. */
const OF_IPV6: Readonly<Record<string, string>> = {
  accept_ra: 'accept_ra',
  autoconf: 'autoconf',
  dad_attempts: 'dad_transmits',
  privext: 'use_tempaddr',
};

const COMMANDS: ReadonlySet<string> = new Set(['up', 'post_up', 'pre_up']);
const AT_THE_END: ReadonlySet<string> = new Set(['down', 'post_down', 'pre_down']);
/** Read elsewhere, or so anyhow. */
const SILENT: ReadonlySet<string> = new Set([
  'address',
  'allow',
  'bond_master',
  'bridge_ports',
  'broadcast',
  'dad_interval',
  'netmask',
  'network',
  'requires',
  'use',
  'vlan_raw_device',
  'vrf',
]);

/** The facts of one line; `bond` is the one of which its bond-* options speak. */
export function readLine(list: FactList, stanza: Stanza, bond: string, line: Line): void {
  const { device, family } = stanza;
  const { word, rest, place, comment } = line;
  if (comment !== '') list.find(place, 'warning', commentBehind(comment, 'a part of it'), device);
  const sysctl = own(OF_IPV6, word);
  if (MEMBERS.has(word)) readMembers(list, bond, rest, place);
  else if (COMMANDS.has(word)) readCommands(list, device, rest, place);
  else if (AT_THE_END.has(word)) {
    const message = `What is run at the end (${word.replace('_', '-')}) is not carried over; "bondwire destroy" puts everything back.`;
    list.find(place, 'note', message, device);
  } else if (SILENT.has(word) || word.startsWith('ovs_')) return;
  else if (word.startsWith('bond_')) readBondOption(list, bond, word.slice('bond_'.length), rest, place);
  else if (sysctl !== undefined)
    tellSysctl(list, place, device, {
      what: `${word.replaceAll('_', '-')} ${shown(rest)}`,
      key: sysctl,
      value: rest,
    });
  else if (word === 'mtu' && family === 'inet6') {
    const message = `mtu ${shown(rest)} of inet6 is that of IPv6 alone, which is not carried over.`;
    list.find(place, 'warning', message, device);
  } else if (word === 'mtu') list.say(place, { kind: 'mtu', device, value: rest });
  else if (word === 'hwaddress')
    list.say(place, { kind: 'mac', device, value: rest.replace(/^ether\s+/, '') });
  else if (word === 'gateway') readGateway(list, stanza, rest, place);
  else if (word === 'pointopoint') readPeer(list, device, rest, place);
  else if (word === 'scope') {
    if (rest !== 'global')
      list.find(place, 'warning', `scope ${shown(rest)} of this address is not carried over.`, device);
  } else if (word.startsWith('dns_'))
    list.find(
      place,
      'warning',
      `${word.replace('_', '-')} is not carried over: set it in the resolver.`,
      device,
    );
  else if (word === 'metric')
    list.find(place, 'warning', 'metric is not carried over: routes get the metric of the kernel.', device);
  else {
    const message = `${shown(word.replaceAll('_', '-'))} is not known here; it was left out.`;
    list.find(place, 'warning', message, device);
  }
}

function readGateway(list: FactList, { device, method }: Stanza, rest: string, place: Place): void {
  if (ASKING.has(method)) {
    const message = `gateway is not used where addresses are asked for (${method}).`;
    return list.find(place, 'warning', message, device);
  }
  const via = addressText(rest.split(/\s+/)[0] ?? '');
  if (via === null) list.find(place, 'error', `gateway ${shown(rest)} is no address.`, device);
  // inet.defn of ifupdown adds every gateway as a neighbour ("onlink").
  else list.say(place, { kind: 'route', device, to: 'default', via, onLink: 'if-needed' });
}

/** The other end of the address, which is reached without a gateway. */
function readPeer(list: FactList, device: string, rest: string, place: Place): void {
  const cidr = cidrText(rest, rest.includes(':') ? 128 : 32);
  if (cidr === null) return list.find(place, 'error', `pointopoint ${shown(rest)} is no address.`, device);
  sayPeer(list, place, { device, cidr }, `pointopoint ${rest}`);
}

function readMembers(list: FactList, bond: string, rest: string, place: Place): void {
  const words = rest.split(/\s+/).filter(name => name !== '' && name !== 'none' && name !== 'dev');
  for (const name of words) {
    if (name === 'all') {
      const message = `ifenslave takes all interfaces whose names begin with eth for members of ${shown(bond)}; those of this machine were taken.`;
      list.find(place, 'warning', message, bond);
      list.say(place, { kind: 'member', bond, member: { by: 'pattern', pattern: 'eth*' }, tool: 'ifupdown' });
    } else if (name.startsWith('/') || name === 'regex' || name === 'glob') {
      const message = `${shown(name)} as member of ${shown(bond)} is a choice by pattern; name the interfaces themselves.`;
      list.find(place, 'error', message);
      return;
    } else
      list.say(place, {
        kind: 'member',
        bond,
        member: interfaceRef(name.replace(/^\+/, '')),
        tool: 'ifupdown',
      });
  }
}

function readBondOption(list: FactList, bond: string, name: string, rest: string, place: Place): void {
  const why = own(NOT_OPTIONS, name);
  const words = rest.split(/[\s,]+/).filter(word => word !== '');
  const tool = 'ifupdown';
  if (why !== undefined)
    list.find(place, 'warning', `bond-${name.replaceAll('_', '-')} is not carried over: ${why}.`);
  else if (name === 'primary') {
    if (words.length > 0) list.say(place, { kind: 'first-member', bond, name: 'primary', names: words });
  } else if (name === 'arp_ip_target' || name === 'ns_ip6_target') {
    const value = words.map(word => word.replace(/^\+/, '')).join(',');
    list.say(place, { kind: 'option', bond, name, value, tool });
  } else if (name === 'queue_id') {
    for (const word of words) {
      const colon = word.lastIndexOf(':');
      const member = interfaceRef(word.slice(0, Math.max(0, colon)));
      if (colon < 1)
        list.find(place, 'warning', `bond-queue-id ${shown(word)} is not INTERFACE:N; it was left out.`);
      else
        list.say(place, {
          kind: 'member-option',
          member,
          name: 'queue_id',
          value: word.slice(colon + 1),
          tool,
        });
    }
  } else {
    const option = own(ALIASES, name) ?? name;
    const flag = option === 'use_carrier' ? own({ yes: '1', no: '0', on: '1', off: '0' }, rest) : undefined;
    list.say(place, { kind: 'option', bond, name: option, value: flag ?? rest, tool });
  }
  if (NOT_OF_IFENSLAVE.has(own(ALIASES, name) ?? name)) {
    const message = `ifenslave sets no bond-${name.replaceAll('_', '-')}, ifupdown2 and ifupdown-ng do; it was taken.`;
    list.find(place, 'note', message);
  }
}
