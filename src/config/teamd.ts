// Reads teamd's JSON (teamd.conf(5)): runners become modes, link watchers monitors, ports members. (config)
import { own, parseIpv4, shown } from '../base/index.js';
import { child, entriesOf, isTrue, text, textsOf, type Tree, treeOf } from './document-tree.js';
import {
  FactList,
  type Fact,
  interfaceRef,
  type InterfaceRef,
  type Place,
  type SourceFile,
} from './facts.js';

/** Modes of the runners. `random` is round-robin that chooses by chance (packets_per_slave=0). */
const MODES: Readonly<Record<string, string>> = {
  broadcast: 'broadcast',
  roundrobin: 'balance-rr',
  random: 'balance-rr',
  activebackup: 'active-backup',
  loadbalance: 'balance-xor',
  lacp: '802.3ad',
};

const SILENT: ReadonlySet<string> = new Set([
  'debug_level',
  'device',
  'runner',
  'link_watch',
  'ports',
  'hwaddr',
  'notify_peers',
  'mcast_rejoin',
]);

/** teamd looks at links when the kernel tells of them; a bond looks every so often. */
const MIIMON = '100';
const WITH_HASH: ReadonlySet<string> = new Set(['lacp', 'loadbalance']);
const WITH_PRIO: ReadonlySet<string> = new Set(['activebackup']);

/** What each part of the configuration may hold besides what tells its kind. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  ethtool: ['delay_up', 'delay_down'],
  arp_ping: [
    'init_wait',
    'interval',
    'missed_max',
    'send_always',
    'source_host',
    'target_host',
    'validate_active',
    'validate_inactive',
    'vlanid',
  ],
  nsna_ping: ['init_wait', 'interval', 'missed_max', 'target_host'],
  notify_peers: ['count', 'interval'],
  mcast_rejoin: ['count', 'interval'],
};

interface Team {
  readonly list: FactList;
  readonly bond: string;
  readonly runner: string;
}

/** The facts of one file. */
export function readTeamd({ path, text: content }: SourceFile): Fact[] {
  const list = new FactList(path);
  readTeam({ list, text: content, file: path });
  return list.facts;
}

/** Reads a team's JSON from a file of its own or (with `place`) from a value in another file. */
export function readTeam(source: {
  readonly list: FactList;
  readonly text: string;
  readonly file?: string;
  readonly place?: Place;
  readonly device?: string;
}): void {
  const { list } = source;
  const tree = treeOf(list, source.file ?? source.place?.file ?? '', source.text, source.place);
  if (tree === null) return;
  const start = source.place ?? list.at(1);
  if (tree.kind !== 'map') {
    list.find(tree.place, 'error', 'This is no JSON object, so it is no configuration of teamd.');
    return;
  }
  const device = child(tree, 'device');
  const bond = source.device ?? text(device) ?? '';
  if (bond === '') {
    list.find(start, 'error', 'There is no "device", so the team has no name; a bond needs one.');
    return;
  }
  const runnerTree = child(tree, 'runner');
  const runner = text(child(runnerTree, 'name')) ?? 'roundrobin';
  const team: Team = { list, bond, runner };
  list.say(device?.place ?? start, { kind: 'bond', bond });
  readRunner(team, runnerTree, runnerTree?.place ?? device?.place ?? start);
  readWatch(team, child(tree, 'link_watch'), device?.place ?? start);
  readBursts(team, tree);
  const address = child(tree, 'hwaddr');
  if (address !== null) list.say(address.place, { kind: 'mac', device: bond, value: text(address) ?? '' });
  const ports = child(tree, 'ports');
  if (ports !== null && ports.kind !== 'map') {
    const how = `write it as "ports": {"eth0": {}, "eth1": {}}`;
    list.find(ports.place, 'error', `"ports" is no object, so the team has no members; ${how}.`);
  }
  for (const { key, place, value } of entriesOf(ports)) readPort(team, key, place, value);
  for (const { key, place } of tree.entries) {
    if (!SILENT.has(key)) list.find(place, 'warning', `"${shown(key)}" is not known here; it was left out.`);
  }
}

/** Tells of keys that a link watcher, or another part, does not have. */
function tellUnknown({ list }: Team, tree: Tree | null, part: string): void {
  for (const { key, place } of entriesOf(tree)) {
    if (key === 'name' || own(KEYS, part)?.includes(key) === true) continue;
    list.find(place, 'warning', `"${shown(key)}" of ${part} is not known here; it was left out.`);
  }
}

function option({ list, bond }: Team, place: Place, name: string, value: string): void {
  list.say(place, { kind: 'option', bond, name, value });
}

function readRunner(team: Team, tree: Tree | null, place: Place): void {
  const { list, runner } = team;
  const mode = own(MODES, runner);
  const at = child(tree, 'name')?.place ?? place;
  if (mode === undefined) {
    list.find(
      at,
      'error',
      `There is no runner ${shown(runner)}; there are ${Object.keys(MODES).join(', ')}.`,
    );
    return;
  }
  option(team, at, 'mode', mode);
  if (runner === 'random') option(team, at, 'packets_per_slave', '0');
  // Over eth, ipv4 and ipv6, where nothing else is said (teamd_hash_func_set).
  if (WITH_HASH.has(runner) && child(tree, 'tx_hash') === null)
    option(team, at, 'xmit_hash_policy', 'layer2+3');
  for (const { key, place: where, value } of entriesOf(tree)) {
    switch (key) {
      case 'name':
        break;
      case 'active':
        option(team, where, 'lacp_active', isTrue(value) ? 'on' : 'off');
        break;
      case 'fast_rate':
        option(team, where, 'lacp_rate', isTrue(value) ? 'fast' : 'slow');
        break;
      case 'sys_prio':
        option(team, where, 'ad_actor_sys_prio', text(value) ?? '');
        break;
      case 'min_ports':
        option(team, where, 'min_links', text(value) ?? '');
        break;
      case 'hwaddr_policy':
        readAddressPolicy(team, value);
        break;
      case 'agg_select_policy':
        readSelection(team, value);
        break;
      case 'tx_hash':
        readHash(team, value);
        break;
      case 'tx_balancer':
        if (runner === 'loadbalance' && text(child(value, 'name')) === 'basic') {
          list.find(
            where,
            'warning',
            'tx_balancer shifts flows by their load, which balance-xor does not; balance-tlb would (mode=balance-tlb).',
          );
        } else list.find(where, 'warning', 'tx_balancer has no counterpart in this mode; it was left out.');
        break;
      default:
        list.find(where, 'warning', `"${shown(key)}" of the runner is not known here; it was left out.`);
    }
  }
}

function readAddressPolicy(team: Team, tree: Tree): void {
  const policies: Readonly<Record<string, string>> = {
    same_all: 'none',
    by_active: 'active',
    only_active: 'follow',
  };
  const said = text(tree) ?? '';
  const policy = own(policies, said);
  if (policy !== undefined) option(team, tree.place, 'fail_over_mac', policy);
  else
    team.list.find(
      tree.place,
      'error',
      `hwaddr_policy ${shown(said)} is none of same_all, by_active and only_active; it was left out.`,
    );
}

function readSelection(team: Team, tree: Tree): void {
  const policies: Readonly<Record<string, string>> = {
    bandwidth: 'bandwidth',
    count: 'count',
    lacp_prio_stable: 'stable',
  };
  const said = text(tree) ?? '';
  const policy = own(policies, said);
  if (policy !== undefined) option(team, tree.place, 'ad_select', policy);
  else
    team.list.find(
      tree.place,
      'warning',
      `agg_select_policy ${shown(said)} has no counterpart; stable, the default, holds.`,
    );
}

/** Which fields teamd hashes over, as the nearest policy of the driver. */
function readHash(team: Team, tree: Tree): void {
  if (!WITH_HASH.has(team.runner)) {
    team.list.find(tree.place, 'warning', 'tx_hash has no effect with this runner; it was left out.');
    return;
  }
  const fields = new Set(textsOf(tree).map(each => each.text));
  const has = (...names: readonly string[]): boolean => names.some(name => fields.has(name));
  const l4 = has('l4', 'tcp', 'udp', 'sctp');
  const l3 = has('l3', 'ip', 'ipv4', 'ipv6');
  const policy = l4 ? 'layer3+4' : l3 ? 'layer2+3' : has('vlan') && !has('eth') ? 'vlan+srcmac' : 'layer2';
  option(team, tree.place, 'xmit_hash_policy', policy);
  const exact =
    policy === 'layer3+4'
      ? !has('eth', 'vlan')
      : policy === 'layer2+3'
        ? has('eth') && !has('vlan')
        : !has('vlan');
  if (exact && !has('sctp')) return;
  const said = Array.from(fields, field => shown(field)).join(', ');
  team.list.find(
    tree.place,
    'warning',
    `tx_hash over ${said} has no exact counterpart; xmit_hash_policy=${policy} is the nearest.`,
  );
}

function readWatch(team: Team, tree: Tree | null, start: Place): void {
  const { list } = team;
  const watchers = tree === null ? [] : tree.kind === 'list' ? tree.items : [tree];
  if (watchers.length > 1) {
    list.find(
      watchers[1]?.place ?? start,
      'warning',
      'A bond has one monitor; of the link watchers the first was taken.',
    );
  }
  const watcher = watchers[0] ?? null;
  const name = text(child(watcher, 'name')) ?? 'ethtool';
  const place = watcher?.place ?? start;
  if (Object.hasOwn(KEYS, name)) tellUnknown(team, watcher, name);
  if (name === 'ethtool') {
    option(team, place, 'miimon', MIIMON);
    for (const [key, delay] of [
      ['delay_up', 'updelay'],
      ['delay_down', 'downdelay'],
    ] as const) {
      const value = child(watcher, key);
      if (value !== null) option(team, value.place, delay, text(value) ?? '');
    }
  } else if (name === 'arp_ping') {
    readArpPing(team, watcher, place);
  } else if (name === 'nsna_ping') {
    const interval = child(watcher, 'interval');
    option(team, interval?.place ?? place, 'arp_interval', text(interval) ?? '1000');
    const target = child(watcher, 'target_host');
    if (target !== null) option(team, target.place, 'ns_ip6_target', text(target) ?? '');
    else
      list.find(place, 'error', 'nsna_ping has no "target_host", so nobody is asked; name an IPv6 address.');
    const wait = child(watcher, 'init_wait');
    if (wait !== null)
      list.find(wait.place, 'warning', '"init_wait" has no counterpart: a bond begins at once.');
    missedMax(team, watcher, place);
  } else {
    list.find(
      place,
      'error',
      `There is no link watcher ${shown(name)} here; ethtool, arp_ping and nsna_ping are known.`,
    );
  }
}

function readArpPing(team: Team, watcher: Tree | null, place: Place): void {
  const { list } = team;
  const interval = child(watcher, 'interval');
  option(team, interval?.place ?? place, 'arp_interval', text(interval) ?? '1000');
  const target = child(watcher, 'target_host');
  if (target === null)
    list.find(place, 'error', 'arp_ping has no "target_host", so nobody is asked; name an IPv4 address.');
  else if (!parseIpv4(text(target) ?? '').ok) {
    list.find(
      target.place,
      'error',
      `target_host ${shown(text(target) ?? '')} is no IPv4 address; a name cannot be looked up here.`,
    );
  } else option(team, target.place, 'arp_ip_target', text(target) ?? '');
  const active = child(watcher, 'validate_active');
  const inactive = child(watcher, 'validate_inactive');
  const both = isTrue(active) && isTrue(inactive);
  const word = both ? 'all' : isTrue(active) ? 'active' : isTrue(inactive) ? 'backup' : null;
  if (word !== null) option(team, (isTrue(active) ? active : inactive)?.place ?? place, 'arp_validate', word);
  missedMax(team, watcher, place);
  for (const key of ['init_wait', 'source_host', 'send_always', 'vlanid']) {
    const value = child(watcher, key);
    if (value !== null)
      list.find(
        value.place,
        'warning',
        `"${key}" has no counterpart: a bond chooses source and VLAN by the route to the target.`,
      );
  }
}

function missedMax(team: Team, watcher: Tree | null, place: Place): void {
  const missed = child(watcher, 'missed_max');
  // LW_PSR_DEFAULT_MISSED_MAX of teamd is 3, the driver's default 2.
  option(team, missed?.place ?? place, 'arp_missed_max', missed === null ? '3' : (text(missed) ?? ''));
}

function readBursts(team: Team, tree: Tree): void {
  for (const [key, name] of [
    ['notify_peers', 'num_grat_arp'],
    ['mcast_rejoin', 'resend_igmp'],
  ] as const) {
    const part = child(tree, key);
    tellUnknown(team, part, key);
    const count = child(part, 'count');
    if (count !== null) option(team, count.place, name, text(count) ?? '');
    const interval = child(part, 'interval');
    if (interval === null || text(interval) === '0') continue;
    if (key === 'notify_peers') option(team, interval.place, 'peer_notif_delay', text(interval) ?? '');
    else
      team.list.find(
        interval.place,
        'warning',
        'The interval of mcast_rejoin has no counterpart: reports are 200 ms apart.',
      );
  }
}

function readPort(team: Team, name: string, place: Place, tree: Tree): void {
  const member = interfaceRef(name);
  team.list.say(place, { kind: 'member', bond: team.bond, member });
  readPortOptions(team.list, tree, member, team.runner);
}

/** TEAM_PORT_CONFIG of an ifcfg file. */
export function readTeamPort(source: {
  readonly list: FactList;
  readonly text: string;
  readonly place: Place;
  readonly member: InterfaceRef;
}): void {
  const tree = treeOf(source.list, source.place.file, source.text, source.place);
  if (tree !== null) readPortOptions(source.list, tree, source.member, 'activebackup');
}

function readPortOptions(list: FactList, tree: Tree, member: InterfaceRef, runner: string): void {
  for (const { key, place, value } of entriesOf(tree)) {
    if (key === 'prio' && WITH_PRIO.has(runner))
      list.say(place, { kind: 'member-option', member, name: 'prio', value: text(value) ?? '' });
    else if (key === 'queue_id')
      list.say(place, { kind: 'member-option', member, name: 'queue_id', value: text(value) ?? '' });
    else if (key === 'lacp_prio')
      list.say(place, { kind: 'member-option', member, name: 'actor_port_prio', value: text(value) ?? '' });
    else if (key === 'sticky') {
      if (isTrue(value))
        list.find(
          place,
          'warning',
          '"sticky" holds for a bond as a whole: set primary_reselect=failure in bondwire.yaml if it is to stay.',
        );
    } else if (key === 'link_watch') {
      list.find(
        place,
        'warning',
        'A bond has one monitor for all members; the link watcher of this port was left out.',
      );
    } else list.find(place, 'warning', `"${shown(key)}" of a port has no counterpart here; it was left out.`);
  }
}
