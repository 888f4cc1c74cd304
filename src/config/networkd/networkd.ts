// Reads systemd-networkd's .netdev and .network files with their drop-ins: bonds, their options, and who joins them. (config)
import { nearestName, own, shown } from '../../base/index.js';
import { durationMs } from '../durations.js';
import { macText } from '../addresses.js';
import type { Fact, FactList, KnownInterface, Place, SourceFile } from '../facts.js';
import { bytes, readDevice } from './networkd-device.js';
import { fitting, type Match, matchOf, refOf, tellUnknown } from './networkd-match.js';
import { entriesIn, isNo, isYes, lastOf, type Unit, unitsOf } from './networkd-units.js';
import { tellComments, type UnitEntry } from '../unit-file.js';

type Conversion = 'text' | 'boolean' | 'ms' | 's' | 'list';

/** Keys of [Bond] in systemd.netdev(5), with the option and how the value is written. */
const BOND_KEYS: Readonly<Record<string, readonly [option: string, conversion: Conversion]>> = {
  Mode: ['mode', 'text'],
  TransmitHashPolicy: ['xmit_hash_policy', 'text'],
  LACPTransmitRate: ['lacp_rate', 'text'],
  MIIMonitorSec: ['miimon', 'ms'],
  PeerNotifyDelaySec: ['peer_notif_delay', 'ms'],
  UpDelaySec: ['updelay', 'ms'],
  DownDelaySec: ['downdelay', 'ms'],
  LearnPacketIntervalSec: ['lp_interval', 's'],
  AdSelect: ['ad_select', 'text'],
  AdActorSystemPriority: ['ad_actor_sys_prio', 'text'],
  AdUserPortKey: ['ad_user_port_key', 'text'],
  AdActorSystem: ['ad_actor_system', 'text'],
  FailOverMACPolicy: ['fail_over_mac', 'text'],
  ARPValidate: ['arp_validate', 'text'],
  ARPIntervalSec: ['arp_interval', 'ms'],
  ARPIPTargets: ['arp_ip_target', 'list'],
  ARPAllTargets: ['arp_all_targets', 'text'],
  PrimaryReselectPolicy: ['primary_reselect', 'text'],
  ResendIGMP: ['resend_igmp', 'text'],
  PacketsPerSlave: ['packets_per_slave', 'text'],
  GratuitousARP: ['num_grat_arp', 'text'],
  AllSlavesActive: ['all_slaves_active', 'boolean'],
  DynamicTransmitLoadBalancing: ['tlb_dynamic_lb', 'boolean'],
  MinLinks: ['min_links', 'text'],
  ARPMissedMax: ['arp_missed_max', 'text'],
};

/** The facts of all files of networkd. */
export function readNetworkd(files: readonly SourceFile[], machine: readonly KnownInterface[]): Fact[] {
  const { units, facts } = unitsOf(files);
  const made = new Map<string, Made>();
  for (const unit of units) {
    const device = isNetdev(unit) ? readNetdev(unit, made) : null;
    if (device !== null && device.name !== '') made.set(device.name, { ...device, place: unit.place });
  }
  const all = [...machine.filter(({ name }) => !made.has(name)), ...made.values()];
  const taken = new Map<string, Unit>();
  for (const unit of units) if (!isNetdev(unit)) readNetwork(unit, { all, made, taken });
  // What .network says of MTU and MAC address counts after what .netdev says, whatever their names.
  const ordered = [...units.filter(isNetdev), ...units.filter(unit => !isNetdev(unit))];
  return [...facts, ...ordered.flatMap(({ list }) => list.facts)];
}

/** A device that a .netdev file makes. */
type Made = KnownInterface & { readonly place: Place };

function isNetdev({ name }: Unit): boolean {
  return name.endsWith('.netdev');
}

/** What is known when a .network file is read. */
interface Known {
  /** Interfaces of the machine and those that .netdev files make. */
  readonly all: readonly KnownInterface[];
  readonly made: ReadonlyMap<string, Made>;
  /** The file that each interface has: the first that fits. */
  readonly taken: Map<string, Unit>;
}

/** Gives the device that is made, where its name is known. */
function readNetdev(
  { list, sections, place }: Unit,
  before: ReadonlyMap<string, Made>,
): KnownInterface | null {
  const device = entriesIn(sections, 'NetDev');
  const kind = lastOf(device, 'Kind');
  if (kind === undefined) {
    list.find(
      place,
      'warning',
      'There is no Kind= in [NetDev], so it is not known what is to be made; the file was left out.',
    );
    return null;
  }
  const name = lastOf(device, 'Name');
  const first = before.get(name?.value ?? '');
  if (first !== undefined && name !== undefined) {
    const message = `${shown(name.value)} is made by ${first.place.file}, which comes first; this file was left out, as networkd does.`;
    list.find(name.place, 'warning', message, name.value);
    return null;
  }
  const made = {
    name: name?.value ?? '',
    mac: macText(lastOf(device, 'MACAddress')?.value ?? '') ?? '',
    kind: kind.value,
    type: kind.value,
    ...(kind.value === 'bond' && { driver: 'bonding' }),
  };
  if (kind.value !== 'bond') {
    const keep = `keep ${shown(place.file)} and the lines that put it there, and take away the .netdev file of the bond`;
    if (made.name !== '')
      list.say(place, { kind: 'device', device: made.name, what: calledKind(kind.value), over: [], keep });
    return made;
  }
  tellComments(list, 'networkd', sections);
  if (name === undefined || name.value === '') {
    list.find(kind.place, 'error', 'There is no Name= in [NetDev], so the bond has no name.');
    return null;
  }
  const bond = name.value;
  list.say(name.place, { kind: 'bond', bond });
  for (const { key, value, place } of device) {
    if (key === 'MTUBytes') list.say(place, { kind: 'mtu', device: bond, value: bytes(value) });
    else if (key === 'MACAddress') list.say(place, { kind: 'mac', device: bond, value });
    else if (key === 'Description')
      list.find(place, 'note', 'Description: a comment, not carried over.', bond);
    else if (!['Name', 'Kind'].includes(key))
      list.find(place, 'warning', `${shown(key)} of [NetDev] is not known here; it was left out.`, bond);
  }
  for (const { key, value, place: at } of entriesIn(sections, 'Match'))
    list.find(
      at,
      'warning',
      `${shown(key)}=${shown(value)} of [Match] was not looked at; the bond was taken to be made.`,
      bond,
    );
  for (const { name: section, place: at, entries } of sections) {
    if (['Bond', 'Match', 'NetDev'].includes(section) || section.startsWith('X-') || entries.length === 0)
      continue;
    list.find(
      at,
      'warning',
      `[${shown(section)}] has no place in a .netdev file of a bond; it was left out.`,
      bond,
    );
  }
  readBondSection(list, bond, entriesIn(sections, 'Bond'));
  return made;
}

/** A kind of device as people call it. */
function calledKind(kind: string): string {
  return kind === 'vlan' ? 'VLAN' : kind === 'vrf' ? 'VRF' : shown(kind);
}

function readBondSection(list: FactList, bond: string, given: readonly UnitEntry[]): void {
  const targets: string[] = [];
  let targetPlace = given[0]?.place;
  for (const [at, { key, value, place }] of given.entries()) {
    const known = own(BOND_KEYS, key);
    if (known === undefined) {
      const near = nearestName(key, Object.keys(BOND_KEYS));
      const hint = near === undefined ? '' : ` (${near} is one)`;
      const message = `${shown(key)} is no key of [Bond]${hint}; networkd passes over it, and it was left out.`;
      list.find(place, 'warning', message);
      continue;
    }
    const [name, conversion] = known;
    if (conversion === 'list') {
      // An empty value begins the list anew.
      if (value === '') targets.length = 0;
      targets.push(...value.split(/[\s,]+/).filter(target => target !== ''));
      targetPlace = place;
      continue;
    }
    // An empty value means the default; a key that is given again, most often by a drop-in, replaces what it was.
    const again = given.some((other, later) => later > at && other.key === key);
    if (value === '' || again) continue;
    if (key === 'Mode' && /^\d+$/.test(value)) {
      const message = `Mode=${value} was left out: networkd knows modes by their names only, passes over this one, and the bond is balance-rr.`;
      list.find(place, 'warning', message);
      continue;
    }
    const converted = convert(value, conversion);
    if (converted === null)
      list.find(
        place,
        'warning',
        `${key}=${shown(value)} is ${conversion === 'boolean' ? 'neither yes nor no' : 'no time'}; networkd passes over it, and it was left out.`,
      );
    else if (conversion === 'ms' && /^\d{2,}$/.test(value)) {
      const message = `${key}=${value} is ${value} seconds, as a number without a unit is; write ${value}ms where milliseconds are meant.`;
      list.find(place, 'warning', message);
      list.say(place, { kind: 'option', bond, name, value: converted, tool: 'networkd' });
    }
    // netdev_bond_fill_message_create() of systemd sends what belongs to another mode nowhere.
    else list.say(place, { kind: 'option', bond, name, value: converted, tool: 'networkd' });
  }
  if (targets.length > 0 && targetPlace !== undefined) {
    list.say(targetPlace, {
      kind: 'option',
      bond,
      name: 'arp_ip_target',
      value: targets.join(','),
      tool: 'networkd',
    });
  }
}

function convert(value: string, conversion: Conversion): string | null {
  if (conversion === 'boolean') return isYes(value) ? '1' : isNo(value) ? '0' : null;
  if (conversion !== 'ms' && conversion !== 's') return value;
  // A number without a unit is seconds.
  const ms = durationMs(value, 1000);
  if (ms === null) return null;
  return String(conversion === 's' ? ms / 1000 : ms);
}

function readNetwork(unit: Unit, { all, made, taken }: Known): void {
  const { list, sections, place } = unit;
  const match = matchOf(unit);
  const bond = lastOf(entriesIn(sections, 'Network'), 'Bond');
  const joins = bond !== undefined && bond.value !== '';
  if (match.conditions.length === 0) {
    if (joins) list.find(bond.place, 'error', 'Nothing in [Match] says which interface is to join.');
    else if (match.unknown.length === 0)
      list.find(place, 'note', 'There is no [Match], so networkd uses this file for nothing.');
    for (const { key, value, place: at } of match.unknown)
      list.find(
        at,
        'warning',
        `${key}=${shown(value)} says of no interface that the file is for it; the file was left out.`,
      );
    return;
  }
  const fits = fitting(match, all);
  const makesBonds = Array.from(made.values()).some(({ kind }) => kind === 'bond');
  if (fits.length === 0 && !joins && makesBonds)
    list.find(place, 'note', 'No interface of this machine, and none that files make, fits [Match].');
  const free = fits.filter(name => !taken.has(name));
  // Whether such a file counts is not known: it takes no interface from another.
  if (joins || match.unknown.length === 0) for (const name of free) taken.set(name, unit);
  if (joins) tellComments(list, 'networkd', sections);
  if (joins) readJoining(unit, match, bond, { fits, free, made, taken });
  else {
    for (const name of fits) {
      const first = taken.get(name);
      if (first === undefined || first === unit) continue;
      const message = `networkd does not use this file for ${shown(name)}: ${first.place.file} fits it too and comes first.`;
      list.find(place, made.get(name)?.kind === 'bond' ? 'warning' : 'note', message, name);
    }
  }
  const isUnmanaged = isYes(lastOf(entriesIn(sections, 'Link'), 'Unmanaged')?.value ?? '');
  for (const name of free) {
    tellUnknown(list, match, name);
    tellComments(list, 'networkd', sections, name);
    if (isUnmanaged) {
      const message = `Unmanaged=yes: networkd leaves ${shown(name)} alone, so nothing of this file was taken.`;
      list.find(place, 'warning', message, name);
      continue;
    }
    readDevice(list, name, sections);
  }
}

interface Joining {
  readonly fits: readonly string[];
  readonly free: readonly string[];
  readonly made: Known['made'];
  readonly taken: Known['taken'];
}

/** `Bond=`: who joins by this file, and who does not although it fits. */
function readJoining(
  { list, sections, name: own }: Unit,
  match: Match,
  bond: UnitEntry,
  { fits, free, made, taken }: Joining,
): void {
  if (isYes(lastOf(entriesIn(sections, 'Link'), 'Unmanaged')?.value ?? '')) {
    const message = 'Unmanaged=yes: networkd leaves the interfaces of this file alone, so none joins.';
    return list.find(bond.place, 'warning', message);
  }
  const target = made.get(bond.value);
  if (target !== undefined && target.kind !== 'bond') {
    const message = `${shown(bond.value)} is no bond but of the kind ${shown(target.kind ?? '')}, so networkd takes no notice of this line.`;
    return list.find(bond.place, 'warning', message);
  }
  const isCard = (name: string): boolean =>
    match.names !== null || (name !== 'lo' && made.get(name)?.kind !== 'bond');
  const members = free.filter(isCard);
  for (const name of fits.filter(isCard)) {
    const first = taken.get(name);
    if (first === undefined || first.name === own) continue;
    const message = `${shown(name)} does not join by this file: ${first.place.file} fits it too and comes first.`;
    list.find(bond.place, 'warning', message);
  }
  for (const name of members)
    list.say(bond.place, { kind: 'member', bond: bond.value, member: { by: 'name', name } });
  if (fits.filter(isCard).length === 0)
    list.say(bond.place, { kind: 'member', bond: bond.value, member: refOf(match) });
  for (const [key, option] of [
    ['PrimarySlave', 'primary'],
    ['ActiveSlave', 'active_slave'],
  ] as const) {
    const flag = lastOf(entriesIn(sections, 'Network'), key);
    const [name, ...more] = members;
    if (flag === undefined || !isYes(flag.value) || name === undefined) continue;
    list.say(flag.place, { kind: 'chosen', member: { by: 'name', name }, name: option, tool: 'networkd' });
    if (more.length > 0)
      list.find(
        flag.place,
        'warning',
        `${key} fits ${shown(members.join(', '))}; ${shown(name)}, the first, was taken.`,
      );
  }
}
