// Reads NetworkManager's keyfiles (nm-settings-keyfile(5)): connections of type bond and team, and those that are their ports. (config)
import { advice, own, shown } from '../../base/index.js';
import { macText } from '../addresses.js';
import {
  type Condition,
  type Fact,
  FactList,
  type InterfaceRef,
  interfaceRef,
  type KnownInterface,
  type SourceFile,
} from '../facts.js';
import { baseName, inOrder, RUN_FIRST, tellOverridden } from '../folder-order.js';
import { resolve } from '../machine-match.js';
import { entriesIn, isYes, lastOf } from '../networkd/networkd-units.js';
import { items, readAddresses } from './nm-addresses.js';
import { tellLost } from './nm-lost.js';
import { readTeam, readTeamPort } from '../teamd/teamd.js';
import { parseUnitFile, tellComments, type UnitEntry, type UnitSection } from '../unit-file.js';

/** A connection as its file has it. */
interface Connection {
  readonly list: FactList;
  readonly sections: readonly UnitSection[];
  readonly type: string;
  readonly uuid: string;
  readonly id: string;
  /** Empty where the file does not name the interface. */
  readonly device: string;
}

/** Names of sections by those of old. */
const SECTIONS: Readonly<Record<string, string>> = {
  '802-3-ethernet': 'ethernet',
  '802-11-wireless': 'wifi',
};

/** Sections that are read, and those in which nothing needs a counterpart. */
const KNOWN: ReadonlySet<string> = new Set([
  'bond',
  'bond-port',
  'connection',
  'ethernet',
  'ipv4',
  'ipv6',
  'match',
  'proxy',
  'team',
  'team-port',
  'user',
  'vlan',
]);

/** The facts of all keyfiles, which name each other by UUID. */
export function readKeyfiles(files: readonly SourceFile[], machine: readonly KnownInterface[]): Fact[] {
  const { files: kept, overridden } = inOrder(files, baseName, RUN_FIRST);
  const about = new FactList('');
  tellOverridden(about, overridden);
  const connections = kept.map(connectionOf);
  for (const connection of connections) readConnection(connection, connections, machine);
  return [...about.facts, ...connections.flatMap(({ list }) => list.facts)];
}

function connectionOf(file: SourceFile): Connection {
  const list = new FactList(file.path);
  const parsed = parseUnitFile(file);
  for (const { place, message } of parsed.problems) list.find(place, 'warning', message);
  const sections = parsed.sections.map(({ name, place, entries: lines }) => ({
    name: own(SECTIONS, name) ?? name,
    place,
    // GLib takes the last of a key that is given twice.
    entries: lines.filter(({ key }, at) => !lines.some((other, later) => later > at && other.key === key)),
  }));
  const get = (key: string): string => lastOf(entriesIn(sections, 'connection'), key)?.value ?? '';
  return {
    list,
    sections,
    type: own(SECTIONS, get('type')) ?? get('type'),
    uuid: get('uuid').toLowerCase(),
    id: get('id'),
    // Within the section of the type in files of old.
    device:
      get('interface-name') ||
      (lastOf(entriesIn(sections, own(SECTIONS, get('type')) ?? get('type')), 'interface-name')?.value ?? ''),
  };
}

function readConnection(
  connection: Connection,
  all: readonly Connection[],
  machine: readonly KnownInterface[],
): void {
  const { list, sections, type, device } = connection;
  const at = lastOf(entriesIn(sections, 'connection'), 'interface-name')?.place ?? list.at(1);
  if (type === 'bond' || type === 'team') {
    if (device === '')
      return list.find(at, 'error', 'There is no interface-name= in [connection], so the bond has no name.');
    if (type === 'bond') readBond(connection);
    else {
      const config = lastOf(entriesIn(sections, 'team'), 'config');
      const place = config?.place ?? at;
      readTeam({ list, text: unescaped(config?.value ?? '{}'), place, device });
    }
    const start = lastOf(entriesIn(sections, 'connection'), 'autoconnect');
    if (start !== undefined) list.say(start.place, { kind: 'up', device, up: isYes(start.value) });
  }
  tellComments(list, 'NetworkManager', sections, device === '' ? undefined : device);
  readMaster(connection, all);
  tellOfUpper(connection, all);
  const ref = device === '' && masterOf(connection, all) !== null ? interfaceOf(connection) : null;
  for (const name of device === '' ? (ref === null ? [] : resolve(machine, ref)) : [device]) {
    readEthernet({ ...connection, device: name });
    for (const family of ['ipv4', 'ipv6'] as const) readAddresses(list, name, sections, family);
    readRest({ ...connection, device: name });
  }
}

/** Keyfiles write JSON with a backslash before what GLib would take for its own. */
function unescaped(text: string): string {
  return text.replaceAll('\\n', ' ').replaceAll('\\t', ' ').replaceAll('\\s', ' ').replaceAll('\\\\', '\\');
}

function readBond({ list, sections, device }: Connection): void {
  const place = lastOf(entriesIn(sections, 'connection'), 'type')?.place ?? list.at(1);
  list.say(place, { kind: 'bond', bond: device });
  const options = entriesIn(sections, 'bond');
  for (const { key, value, place: at } of options) {
    if (key === 'interface-name' || value.trim() === '') continue;
    if (key === 'balance-slb') {
      if (isYes(value))
        list.find(
          at,
          'warning',
          'balance-slb is a work of NetworkManager that no bond has; it was left out.',
          device,
        );
    } else list.say(at, { kind: 'option', bond: device, name: key, value: value.trim() });
  }
  // As NetworkManager does (nm_setting_bond_get_option_default), so that no bond is without a monitor.
  const isMonitored = options.some(
    ({ key, value }) => key === 'miimon' || (key === 'arp_interval' && value !== '0'),
  );
  if (!isMonitored) list.say(place, { kind: 'option', bond: device, name: 'miimon', value: '100' });
}

/** The bond, or another master, that a connection names: by interface, UUID or name of the connection. */
function masterOf(
  { sections }: Connection,
  all: readonly Connection[],
): { readonly entry: UnitEntry; readonly device: string; readonly known: Connection | undefined } | null {
  const entry = ['controller', 'master']
    .map(key => lastOf(entriesIn(sections, 'connection'), key))
    .find(each => each !== undefined && each.value !== '');
  if (entry === undefined) return null;
  const known = all.find(
    other =>
      (other.uuid !== '' && other.uuid === entry.value.toLowerCase()) ||
      other.device === entry.value ||
      (other.id === entry.value && ['bond', 'team', 'bridge'].includes(other.type)),
  );
  return { entry, device: known?.device ?? entry.value, known };
}

function readMaster(connection: Connection, all: readonly Connection[]): void {
  const { list, sections, device } = connection;
  const master = masterOf(connection, all);
  if (master === null) return;
  const { entry } = master;
  const kind =
    ['port-type', 'slave-type']
      .map(key => lastOf(entriesIn(sections, 'connection'), key)?.value)
      .find(Boolean) ??
    master.known?.type ??
    '';
  if (kind !== 'bond' && kind !== 'team') {
    if (kind === '')
      list.find(
        entry.place,
        'warning',
        `${shown(device || connection.id || 'The connection')} has a controller, but no port-type=, so it was not taken for a member of a bond.`,
      );
    else if (device !== '')
      list.find(
        entry.place,
        'warning',
        `${shown(device)} as port of the ${shown(kind)} ${shown(master.device)} is not made here; put it in by "${advice('ip link set dev {bond} master {bridge}', { bond: device, bridge: master.device })}" after the bond is made.`,
        device,
      );
    return;
  }
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(master.device)) {
    const message = `${entry.key}=${shown(entry.value)} is the UUID of a connection that no file here describes, so it is not known which bond ${shown(device || connection.id)} is to join.`;
    return list.find(entry.place, 'error', message);
  }
  const member = interfaceOf(connection);
  if (member === null) {
    const message = `Neither interface-name=, mac-address= nor [match] says which interface is to join ${shown(master.device)}; NetworkManager would take any.`;
    return list.find(entry.place, 'error', message);
  }
  list.say(entry.place, { kind: 'member', bond: master.device, member });
  for (const { key, value, place } of entriesIn(sections, 'bond-port')) {
    const name = own({ 'queue-id': 'queue_id', prio: 'prio' }, key);
    if (name === undefined)
      list.find(place, 'warning', `${shown(key)} of [bond-port] is not known here; it was left out.`);
    else if (value !== '0') list.say(place, { kind: 'member-option', member, name, value });
  }
  const port = lastOf(entriesIn(sections, 'team-port'), 'config');
  if (port !== undefined) readTeamPort({ list, text: unescaped(port.value), place: port.place, member });
  if (isAutoconnectOff(connection)) {
    const message = `autoconnect=false: NetworkManager would not let ${shown(device || connection.id)} join by itself; it was taken for a member.`;
    list.find(entry.place, 'warning', message);
  }
}

function isAutoconnectOff({ sections }: Connection): boolean {
  const entry = lastOf(entriesIn(sections, 'connection'), 'autoconnect');
  return entry !== undefined && !isYes(entry.value);
}

/** The interface that a connection is for; null for one that would take any. */
function interfaceOf({ sections, device, list }: Connection): InterfaceRef | null {
  const macs = ['mac-address'].flatMap(
    key => macText(lastOf(entriesIn(sections, 'ethernet'), key)?.value ?? '') ?? [],
  );
  const conditions: Condition[] = [];
  const add = (of: Condition['of'], patterns: readonly string[]): void => {
    const inverted = patterns.filter(pattern => pattern.startsWith('!'));
    const plain = patterns.filter(pattern => !pattern.startsWith('!'));
    if (plain.length > 0)
      conditions.push({ of, patterns: plain.map(each => each.replace(/^[|&]/, '')), isInverted: false });
    if (inverted.length > 0)
      conditions.push({ of, patterns: inverted.map(each => each.slice(1)), isInverted: true });
  };
  for (const { key, value, place } of entriesIn(sections, 'match')) {
    if (key === 'interface-name') add('name', items(value));
    else if (key === 'driver') add('driver', items(value));
    else if (key === 'path') add('path', items(value));
    else
      list.find(
        place,
        'warning',
        `${shown(key)} of [match] was not looked at; the connection was taken as if it fits.`,
      );
  }
  const [mac] = macs;
  if (conditions.length === 0) {
    if (device !== '') return interfaceRef(device);
    return mac === undefined ? null : { by: 'mac', mac };
  }
  if (device !== '') add('name', [device]);
  if (mac !== undefined) add('permanentMac', [mac]);
  return { by: 'match', conditions };
}

/** VLANs, bridges and the like over what may be a bond: Bondwire makes none. */
function tellOfUpper({ list, sections, type, device, id }: Connection, all: readonly Connection[]): void {
  const parent = ['vlan', 'macvlan', 'infiniband']
    .map(name => lastOf(entriesIn(sections, name), 'parent'))
    .find(each => each !== undefined);
  if (parent === undefined) return;
  const lower =
    all.find(other => other.uuid !== '' && other.uuid === parent.value.toLowerCase())?.device ?? parent.value;
  const what = type === 'vlan' ? 'VLAN' : type;
  const name = device || id;
  const keep = `keep its connection, with parent=${shown(lower)} by name, and take away those of the bond and of its ports`;
  list.say(parent.place, { kind: 'device', device: name, what: shown(what), over: [lower], keep });
}

function readEthernet({ list, sections, device, type }: Connection): void {
  for (const { key, value, place } of entriesIn(sections, 'ethernet')) {
    if (key === 'mtu') {
      if (value !== '0') list.say(place, { kind: 'mtu', device, value });
    } else if (key === 'cloned-mac-address') {
      if (macText(value) !== null) list.say(place, { kind: 'mac', device, value });
      else
        list.find(
          place,
          'warning',
          `cloned-mac-address=${shown(value)} is not carried over: ${shown(device)} gets the address of its first member.`,
          device,
        );
    } else if (key === 'mac-address') {
      if (type === 'bond')
        list.find(
          place,
          'note',
          `mac-address only says which card the connection is for, and ${shown(device)} is none.`,
          device,
        );
    } else tellLost(list, device, 'ethernet', { key, value, place });
  }
}

/** Keys and sections that nothing above reads. */
function readRest({ list, sections, device }: Connection): void {
  const read = new Set([
    'autoconnect',
    'controller',
    'id',
    'interface-name',
    'master',
    'port-type',
    'slave-type',
    'type',
    'uuid',
  ]);
  for (const entry of entriesIn(sections, 'connection')) {
    if (!read.has(entry.key)) tellLost(list, device, 'connection', entry);
  }
  for (const { name, place, entries: lines } of sections) {
    if (KNOWN.has(name) || lines.length === 0) continue;
    list.find(place, 'warning', `[${shown(name)}] is not carried over.`, device);
  }
}
