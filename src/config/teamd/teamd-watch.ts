// Link watchers of teamd as monitors of a bond. A port of a team is up while any of its watchers says so
// (teamd_link_watch_port_up), which is what link_watch=all does with two monitors here. (config)
import { own, parseIpv4, shown } from '../../base/index.js';
import { child, entriesOf, isTrue, text, type Tree } from '../yaml/document-tree.js';
import type { Place } from '../facts.js';
import type { Team } from './teamd.js';

/** teamd looks at links when the kernel tells of them; a bond looks every so often. */
const MIIMON = '100';

/** What each link watcher may hold besides its name. */
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
};

/** Runners whose modes the driver gives no ARP monitor. */
const WITHOUT_ARP: ReadonlySet<string> = new Set(['lacp']);

export function option({ list, bond }: Team, place: Place, name: string, value: string): void {
  list.say(place, { kind: 'option', bond, name, value, tool: 'teamd' });
}

/** Tells of keys that a link watcher, or another part, does not have. */
export function tellUnknown({ list }: Team, tree: Tree | null, part: string, known: readonly string[]): void {
  for (const { key, place } of entriesOf(tree)) {
    if (key === 'name' || known.includes(key)) continue;
    list.find(place, 'warning', `"${shown(key)}" of ${part} is not known here; it was left out.`);
  }
}

/** All watchers, or the one that there is; without one, teamd has ethtool. */
export function readWatch(team: Team, tree: Tree | null, start: Place): void {
  const watchers = tree === null ? [null] : tree.kind === 'list' ? tree.items : [tree];
  const asking: Asking[] = [];
  let carrier: Place | null = null;
  for (const watcher of watchers.length === 0 ? [null] : watchers) {
    const name = text(child(watcher, 'name')) ?? 'ethtool';
    const place = watcher?.place ?? start;
    const known = own(KEYS, name);
    if (known !== undefined) tellUnknown(team, watcher, name, known);
    if (name === 'ethtool') {
      if (carrier === null) readEthtool(team, watcher, place);
      else team.list.find(place, 'warning', 'A second watcher by ethtool says the same; it was left out.');
      carrier ??= place;
    } else if (watcher !== null && (name === 'arp_ping' || name === 'nsna_ping'))
      asking.push({ watcher, place, isIpv6: name === 'nsna_ping' });
    else {
      const message = `There is no link watcher ${shown(name)} here; ethtool, arp_ping and nsna_ping are known.`;
      team.list.find(place, 'error', message);
    }
  }
  const [first] = asking;
  if (first === undefined) return;
  readAsking(team, asking);
  if (carrier !== null) {
    option(team, first.place, 'link_watch', 'all');
    const message =
      'A port is up while a watcher by ethtool or one that asks says so, which is link_watch=all.';
    team.list.find(first.place, 'note', message);
  } else if (WITHOUT_ARP.has(team.runner)) {
    option(team, first.place, 'link_watch', 'any');
    option(team, first.place, 'miimon', MIIMON);
    const message = `The driver has no ARP monitor in the mode of the runner ${shown(team.runner)}: link_watch=any runs it beside miimon.`;
    team.list.find(first.place, 'warning', message);
  }
}

function readEthtool(team: Team, watcher: Tree | null, place: Place): void {
  option(team, place, 'miimon', MIIMON);
  for (const [key, delay] of [
    ['delay_up', 'updelay'],
    ['delay_down', 'downdelay'],
  ] as const) {
    const value = child(watcher, key);
    if (value !== null) option(team, value.place, delay, text(value) ?? '');
  }
}

interface Asking {
  readonly watcher: Tree;
  readonly place: Place;
  readonly isIpv6: boolean;
}

/** Watchers that ask hosts: one monitor with all the targets, any of which is enough. */
function readAsking(team: Team, asking: readonly Asking[]): void {
  const [first] = asking;
  if (first === undefined) return;
  const targets = asking.flatMap(each => targetOf(team, each) ?? []);
  for (const [name, isIpv6] of [
    ['arp_ip_target', false],
    ['ns_ip6_target', true],
  ] as const) {
    const some = targets.filter(target => target.isIpv6 === isIpv6);
    const at = some[0]?.place;
    const value = [...new Set(some.map(target => target.text))].join(',');
    if (at !== undefined) option(team, at, name, value);
  }
  for (const [key, name, fallback] of [
    ['interval', 'arp_interval', '1000'],
    // LW_PSR_DEFAULT_MISSED_MAX of teamd is 3, the driver's default 2.
    ['missed_max', 'arp_missed_max', '3'],
  ] as const) {
    const said = asking.map(({ watcher }) => text(child(watcher, key)) ?? fallback);
    const value = child(first.watcher, key);
    option(team, value?.place ?? first.place, name, said[0] ?? fallback);
    const other = asking.find((_, at) => said[at] !== said[0]);
    if (other === undefined) continue;
    const message = `"${key}" is not that of the first watcher; a bond has one, ${shown(said[0] ?? fallback)}.`;
    team.list.find(child(other.watcher, key)?.place ?? other.place, 'warning', message);
  }
  readValidation(team, asking);
  for (const { watcher, isIpv6 } of asking) {
    for (const key of ['init_wait', 'source_host', 'send_always', 'vlanid']) {
      const value = child(watcher, key);
      if (value === null || (isIpv6 && key !== 'init_wait')) continue;
      const message =
        key === 'init_wait'
          ? '"init_wait" has no counterpart: a bond begins at once.'
          : `"${key}" has no counterpart: a bond chooses source and VLAN by the route to the target.`;
      team.list.find(value.place, 'warning', message);
    }
  }
}

function targetOf(
  { list }: Team,
  { watcher, place, isIpv6 }: Asking,
): { readonly text: string; readonly place: Place; readonly isIpv6: boolean } | null {
  const target = child(watcher, 'target_host');
  const said = text(target) ?? '';
  if (target === null) {
    const [who, family] = isIpv6 ? ['nsna_ping', 'IPv6'] : ['arp_ping', 'IPv4'];
    list.find(place, 'error', `${who} has no "target_host", so nobody is asked; name an ${family} address.`);
    return null;
  }
  if (!isIpv6 && !parseIpv4(said).ok) {
    const message = `target_host ${shown(said)} is no IPv4 address; a name cannot be looked up here.`;
    list.find(target.place, 'error', message);
    return null;
  }
  return { text: said, place: target.place, isIpv6 };
}

function readValidation(team: Team, asking: readonly Asking[]): void {
  const flag = (key: string): Tree | null =>
    asking.map(({ watcher }) => child(watcher, key)).find(each => isTrue(each)) ?? null;
  const active = flag('validate_active');
  const inactive = flag('validate_inactive');
  const place = (active ?? inactive)?.place;
  if (place === undefined) return;
  const word = active !== null && inactive !== null ? 'all' : active !== null ? 'active' : 'backup';
  option(team, place, 'arp_validate', word);
}
