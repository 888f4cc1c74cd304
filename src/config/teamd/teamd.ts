// Reads teamd's JSON (teamd.conf(5)): runners become modes, link watchers monitors, ports members. (config)
import { own, shown } from '../../base/index.js';
import { child, entriesOf, isTrue, text, textsOf, type Tree, treeOf } from '../yaml/document-tree.js';
import {
  FactList,
  type Fact,
  interfaceRef,
  type InterfaceRef,
  type Place,
  type SourceFile,
} from '../facts.js';
import { option, readWatch, tellUnknown } from './teamd-watch.js';

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

const WITH_HASH: ReadonlySet<string> = new Set(['lacp', 'loadbalance']);
const WITH_PRIO: ReadonlySet<string> = new Set(['activebackup']);

/** What parts of the configuration may hold. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  notify_peers: ['count', 'interval'],
  mcast_rejoin: ['count', 'interval'],
};

export interface Team {
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
  const ofPorts = watchOfPorts(tree);
  readWatch(team, child(tree, 'link_watch') ?? ofPorts, device?.place ?? start);
  readBursts(team, tree);
  const address = child(tree, 'hwaddr');
  if (address !== null) list.say(address.place, { kind: 'mac', device: bond, value: text(address) ?? '' });
  const ports = child(tree, 'ports');
  if (ports !== null && ports.kind !== 'map') {
    const how = `write it as "ports": {"eth0": {}, "eth1": {}}`;
    list.find(ports.place, 'error', `"ports" is no object, so the team has no members; ${how}.`);
  }
  for (const { key, place, value } of entriesOf(ports)) readPort(team, key, place, value, ofPorts !== null);
  for (const { key, place } of tree.entries) {
    if (!SILENT.has(key)) list.find(place, 'warning', `"${shown(key)}" is not known here; it was left out.`);
  }
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

function readBursts(team: Team, tree: Tree): void {
  for (const [key, name] of [
    ['notify_peers', 'num_grat_arp'],
    ['mcast_rejoin', 'resend_igmp'],
  ] as const) {
    const part = child(tree, key);
    tellUnknown(team, part, key, own(KEYS, key) ?? []);
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

/** The link watcher of the ports, where the team as a whole has none and each of them has one. */
function watchOfPorts(tree: Tree): Tree | null {
  const watchers = entriesOf(child(tree, 'ports')).map(({ value }) => child(value, 'link_watch'));
  return child(tree, 'link_watch') === null && watchers.every(each => each !== null)
    ? (watchers[0] ?? null)
    : null;
}

function readPort(team: Team, name: string, place: Place, tree: Tree, isWatchTaken: boolean): void {
  const member = interfaceRef(name);
  team.list.say(place, { kind: 'member', bond: team.bond, member });
  readPortOptions(team.list, tree, { member, runner: team.runner, isWatchTaken });
}

/** TEAM_PORT_CONFIG of an ifcfg file. */
export function readTeamPort(source: {
  readonly list: FactList;
  readonly text: string;
  readonly place: Place;
  readonly member: InterfaceRef;
}): void {
  const tree = treeOf(source.list, source.place.file, source.text, source.place);
  if (tree !== null)
    readPortOptions(source.list, tree, {
      member: source.member,
      runner: 'activebackup',
      isWatchTaken: false,
    });
}

function readPortOptions(
  list: FactList,
  tree: Tree,
  {
    member,
    runner,
    isWatchTaken,
  }: { readonly member: InterfaceRef; readonly runner: string; readonly isWatchTaken: boolean },
): void {
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
      const what = isWatchTaken
        ? 'that of the first port was taken'
        : 'the link watcher of this port was left out';
      list.find(place, 'warning', `A bond has one monitor for all members; ${what}.`);
    } else list.find(place, 'warning', `"${shown(key)}" of a port has no counterpart here; it was left out.`);
  }
}
