// Reads systemd-networkd's .netdev and .network files with their drop-ins: bonds, their options, and who joins them. (config)
import { shown } from '../base/index.js';
import { addressText, cidrText, destinationText, macText } from './addresses.js';
import { durationMs } from './durations.js';
import { FactList, type Fact, type InterfaceRef, interfaceRef, type SourceFile } from './facts.js';
import { parseUnitFile, type UnitEntry, type UnitSection } from './unit-file.js';

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

/** A section with the same name, whichever file (main or drop-in) it stands in. */
function entries(sections: readonly UnitSection[], name: string): UnitEntry[] {
  return sections.filter(section => section.name === name).flatMap(section => section.entries);
}

function last(list: readonly UnitEntry[], key: string): UnitEntry | undefined {
  return list.findLast(entry => entry.key === key);
}

function isYes(value: string): boolean {
  return /^(?:1|yes|y|true|t|on)$/i.test(value);
}

function isNo(value: string): boolean {
  return /^(?:0|no|n|false|f|off)$/i.test(value);
}

/** The facts of all files of networkd; a drop-in `X.netdev.d/Y.conf` adds to `X.netdev`. */
export function readNetworkd(files: readonly SourceFile[]): Fact[] {
  const units = new Map<string, SourceFile[]>();
  for (const file of files) {
    const parts = file.path.split('/');
    const folder = parts.at(-2) ?? '';
    const unit = /\.(?:netdev|network)\.d$/.test(folder) ? folder.slice(0, -2) : (parts.at(-1) ?? '');
    units.set(unit, [...(units.get(unit) ?? []), file]);
  }
  const facts: Fact[] = [];
  for (const [unit, group] of units) {
    const isDropIn = ({ path }: SourceFile): boolean => !path.endsWith(unit);
    const ordered = group.toSorted(
      (a, b) => Number(isDropIn(a)) - Number(isDropIn(b)) || a.path.localeCompare(b.path),
    );
    const list = new FactList(ordered[0]?.path ?? '');
    const sections = ordered.flatMap(file => {
      const parsed = parseUnitFile(file);
      for (const { place, message } of parsed.problems) list.find(place, 'warning', message);
      return parsed.sections;
    });
    if (unit.endsWith('.netdev')) readNetdev(list, sections);
    else readNetwork(list, sections);
    facts.push(...list.facts);
  }
  return facts;
}

function readNetdev(list: FactList, sections: readonly UnitSection[]): void {
  const device = entries(sections, 'NetDev');
  const kind = last(device, 'Kind');
  if (kind === undefined) {
    const place = sections[0]?.place ?? list.at(1);
    list.find(
      place,
      'warning',
      'There is no Kind= in [NetDev], so it is not known what is to be made; the file was left out.',
    );
    return;
  }
  if (kind.value !== 'bond') return;
  const name = last(device, 'Name');
  if (name === undefined || name.value === '') {
    list.find(kind.place, 'error', 'There is no Name= in [NetDev], so the bond has no name.');
    return;
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
  readBondSection(list, bond, entries(sections, 'Bond'));
}

/** `9000`, `9K`: bytes with the units of systemd. */
function bytes(value: string): string {
  const match = /^([0-9]+)\s*K$/i.exec(value);
  return match === null ? value : String(Number(match[1]) * 1024);
}

function readBondSection(list: FactList, bond: string, given: readonly UnitEntry[]): void {
  const targets: string[] = [];
  let targetPlace = given[0]?.place;
  for (const [at, { key, value, place }] of given.entries()) {
    const known = Object.hasOwn(BOND_KEYS, key) ? BOND_KEYS[key] : undefined;
    if (known === undefined) {
      list.find(place, 'error', `${shown(key)} is no key of [Bond]; it was left out.`);
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
    const converted = convert(value, conversion);
    if (converted === null)
      list.find(
        place,
        'error',
        `${key}=${shown(value)} is ${conversion === 'boolean' ? 'neither yes nor no' : 'no time'}; it was left out.`,
      );
    // netdev_bond_fill_message_create() of systemd sends what belongs to another mode nowhere.
    else list.say(place, { kind: 'option', bond, name, value: converted, isForItsMode: true });
  }
  if (targets.length > 0 && targetPlace !== undefined) {
    list.say(targetPlace, { kind: 'option', bond, name: 'arp_ip_target', value: targets.join(',') });
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

function readNetwork(list: FactList, sections: readonly UnitSection[]): void {
  const refs = matched(entries(sections, 'Match'));
  const network = entries(sections, 'Network');
  const bond = last(network, 'Bond');
  if (bond !== undefined && bond.value !== '') {
    if (refs.length === 0) {
      const message =
        'Neither Name= nor MACAddress= or PermanentMACAddress= in [Match] says which interface is to join.';
      list.find(bond.place, 'error', message);
    }
    for (const member of refs) list.say(bond.place, { kind: 'member', bond: bond.value, member });
    for (const [key, name] of [
      ['PrimarySlave', 'primary'],
      ['ActiveSlave', 'active_slave'],
    ] as const) {
      const flag = last(network, key);
      const [member] = refs;
      if (flag !== undefined && isYes(flag.value) && member !== undefined) {
        list.say(flag.place, { kind: 'chosen', member, name });
      }
    }
  }
  for (const ref of refs) {
    if (ref.by === 'name') readDevice(list, ref.name, sections, network);
  }
}

function matched(match: readonly UnitEntry[]): InterfaceRef[] {
  const names = match
    .filter(({ key }) => key === 'Name')
    .flatMap(({ value }) => value.split(/\s+/).filter(name => name !== ''));
  if (names.length > 0) return names.filter(name => !name.startsWith('!')).map(interfaceRef);
  return match
    .filter(({ key }) => key === 'MACAddress' || key === 'PermanentMACAddress')
    .flatMap(({ value }) =>
      value.split(/\s+/).flatMap(text => {
        const mac = macText(text);
        return mac === null ? [] : [{ by: 'mac' as const, mac }];
      }),
    );
}

const SILENT: ReadonlySet<string> = new Set([
  'ActiveSlave',
  'Bond',
  'ConfigureWithoutCarrier',
  'Description',
  'IPv6AcceptRA',
  'LinkLocalAddressing',
  'PrimarySlave',
  'BindCarrier',
  'LLDP',
  'EmitLLDP',
]);

function readDevice(
  list: FactList,
  device: string,
  sections: readonly UnitSection[],
  network: readonly UnitEntry[],
): void {
  for (const { key, value, place } of network) {
    if (key === 'Address') readAddress(list, device, value, place);
    else if (key === 'Gateway') readGateway(list, device, value, place, 'default');
    else if (key === 'DHCP') {
      if (!isNo(value))
        list.find(
          place,
          'warning',
          `DHCP=${shown(value)}: Bondwire asks nobody for addresses; run a DHCP client on ${device}.`,
          device,
        );
    } else if (['DNS', 'Domains', 'NTP', 'DNSSEC', 'LLMNR', 'MulticastDNS'].includes(key)) {
      list.find(place, 'warning', `${key} is not carried over: set it in the resolver.`, device);
    } else if (key === 'VLAN' || key === 'Bridge') {
      list.find(
        place,
        'warning',
        `${key}=${shown(value)} is not made here; make it with ip after the bond.`,
        device,
      );
    } else if (!SILENT.has(key))
      list.find(place, 'warning', `${shown(key)} of [Network] is not carried over.`, device);
  }
  for (const section of sections.filter(({ name }) => name === 'Address')) {
    const address = last(section.entries, 'Address');
    if (address !== undefined) readAddress(list, device, address.value, address.place);
  }
  for (const section of sections.filter(({ name }) => name === 'Route')) {
    const gateway = last(section.entries, 'Gateway');
    const destination = last(section.entries, 'Destination');
    if (gateway === undefined)
      list.find(section.place, 'warning', 'A route without Gateway= is not carried over.', device);
    else readGateway(list, device, gateway.value, gateway.place, destination?.value ?? 'default');
    for (const { key, place } of section.entries) {
      if (key !== 'Gateway' && key !== 'Destination')
        list.find(place, 'warning', `${shown(key)} of [Route] is not carried over.`, device);
    }
  }
  for (const { key, value, place } of entries(sections, 'Link')) {
    if (key === 'MTUBytes') list.say(place, { kind: 'mtu', device, value: bytes(value) });
    else if (key === 'MACAddress') list.say(place, { kind: 'mac', device, value });
    else if (key === 'ActivationPolicy')
      list.say(place, { kind: 'up', device, up: !['manual', 'down', 'always-down'].includes(value) });
    else if (!['RequiredForOnline', 'Unmanaged'].includes(key))
      list.find(place, 'warning', `${shown(key)} of [Link] is not carried over.`, device);
  }
}

function readAddress(list: FactList, device: string, value: string, place: UnitEntry['place']): void {
  if (value === '') return;
  const cidr = cidrText(value, value.includes(':') ? 128 : 32);
  if (cidr === null)
    list.find(place, 'error', `Address=${shown(value)} is no address; write it as 192.0.2.1/24.`, device);
  else list.say(place, { kind: 'address', device, cidr });
}

function readGateway(
  list: FactList,
  device: string,
  value: string,
  place: UnitEntry['place'],
  destination: string,
): void {
  const via = addressText(value);
  const to = destinationText(destination);
  if (via === null || to === null) {
    list.find(
      place,
      'error',
      `The route to ${shown(destination)} by ${shown(value)} is none; both must be addresses.`,
      device,
    );
  } else list.say(place, { kind: 'route', device, to, via });
}
