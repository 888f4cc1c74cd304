// Reads /etc/network/interfaces (ifupdown with ifenslave, ifupdown2, ifupdown-ng): which stanza is for which interface, bonds,
// their members, what stands on them, and what is started at boot. (config)
import { advice, shown } from '../../base/index.js';
import { type Fact, type FactList, interfaceRef, type Place, type SourceFile } from '../facts.js';
import { MEMBERS, readLine } from './interfaces-lines.js';
import { readMethod } from './interfaces-methods.js';
import {
  Inheritance,
  type Line,
  type Reading,
  readStanzas,
  type Stanza,
  type Start,
} from './interfaces-stanzas.js';
import { logicalLines } from '../shell/logical-lines.js';
import { matches } from '../machine-match.js';

/** A `source` or `source-directory` line: other files that belong to this one. */
export interface SourceLine {
  readonly directive: 'source' | 'source-directory';
  /** As it stands there; relative to the file's own folder. */
  readonly pattern: string;
  readonly place: Place;
}

/** The `source` lines of a file, for whoever reads files. */
export function sourceLines({ path, text }: SourceFile): SourceLine[] {
  return logicalLines(text, '#', false).flatMap(({ text: line, line: number }) => {
    const [directive, ...rest] = line.replace(/\s#.*$/, '').split(/\s+/);
    if (directive !== 'source' && directive !== 'source-directory') return [];
    return rest.map(pattern => ({ directive, pattern, place: { file: path, line: number } }));
  });
}

/** The facts of all files of ifupdown, which read each other and are one configuration. */
export function readInterfaces(files: readonly SourceFile[]): Fact[] {
  const given = files.map(readStanzas);
  const starts = given.flatMap(reading => reading.starts);
  const readings = given.map(({ list, stanzas, mappings, allowed, starts: own }) => ({
    list,
    mappings,
    allowed,
    starts: own,
    stanzas: stanzas.flatMap(each => byDevice(each, starts)),
  }));
  const all = readings.flatMap(({ stanzas }) => stanzas);
  const inheritance = new Inheritance(all);
  const isBond = (stanza: Stanza): boolean => isBondStanza(inheritance.linesOf(stanza));
  const bonds = new Set(all.filter(isBond).map(({ device }) => device));
  const devices = new Set(all.map(({ device }) => device));
  const mapped = mappedNames(readings, starts);
  const speaksOfBonds = all.some(
    stanza => isBond(stanza) || masterOf(inheritance.linesOf(stanza)) !== undefined,
  );
  return readings.flatMap(({ list, stanzas, starts: own, allowed, mappings }) => {
    for (const { device, place } of own) list.say(place, { kind: 'up', device, up: true });
    for (const { bond, device, place } of allowed) {
      // `allow-CLASS` names a bond only where there is one of that name; other classes are people's own.
      if (!bonds.has(bond) && !devices.has(bond) && !/^bond\d*$/.test(bond)) continue;
      list.say(place, {
        kind: 'member',
        bond,
        member: interfaceRef(device.replace(/^\//, '')),
        tool: 'ifupdown',
      });
    }
    if (speaksOfBonds) for (const mapping of mappings) tellMapping(list, mapping);
    for (const stanza of stanzas) {
      if (stanza.isTemplate || mapped.has(stanza.name) || isOnlyInherited(stanza, all, starts)) continue;
      readStanza(list, stanza, inheritance, starts);
    }
    return list.facts;
  });
}

/** `auto eth0=home` brings eth0 up as `home` describes it: the stanza is for every interface that is started so. */
function byDevice(stanza: Stanza, starts: readonly Start[]): Stanza[] {
  const devices = starts.filter(({ logical }) => logical === stanza.name).map(({ device }) => device);
  const { family, method, isTemplate, place, lines, inherits } = stanza;
  if (devices.length === 0) return [stanza];
  return devices.map(device => ({
    name: device,
    device,
    family,
    method,
    isTemplate,
    place,
    lines,
    inherits,
  }));
}

/** Names that mappings give, which are no interfaces unless something starts them as such. */
function mappedNames(readings: readonly Reading[], starts: readonly Start[]): ReadonlySet<string> {
  const names = readings.flatMap(({ mappings }) => mappings.flatMap(mapping => mapping.names));
  return new Set(names.filter(name => starts.every(({ device }) => device !== name)));
}

function tellMapping(list: FactList, { devices, names, place }: Reading['mappings'][number]): void {
  const which = names.length === 0 ? 'one of the stanzas' : names.map(name => shown(name)).join(', ');
  const message = `A script maps ${shown(devices.join(', '))} to ${which}, which is not run here, so nothing of that was taken; write the stanza for the interface itself.`;
  list.find(place, 'warning', message);
}

/** An `iface` that others inherit from and that nothing starts is no interface. */
function isOnlyInherited(stanza: Stanza, all: readonly Stanza[], starts: readonly Start[]): boolean {
  return (
    all.some(other => other.inherits.some(({ name }) => name === stanza.name)) &&
    all.every(({ name, lines }) => name !== stanza.name || lines.every(({ word }) => !MEMBERS.has(word))) &&
    !starts.some(({ device }) => device === stanza.name)
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
  const { device, name, place } = stanza;
  const lines = inheritance.linesOf(stanza);
  inheritance.tellLost(stanza, (at, message) => list.find(at, 'error', message, device));
  if (tellOfOpenVSwitch(list, stanza, lines)) return;
  const isAlias = name !== device;
  const master = masterOf(lines);
  if (isBondStanza(lines)) {
    list.say(place, { kind: 'bond', bond: device });
    readStart(list, device, place, starts);
  }
  if (isAlias) tellOfAlias(list, stanza, starts);
  if (master !== undefined && !['', 'none'].includes(master.rest))
    list.say(master.place, {
      kind: 'member',
      bond: master.rest,
      member: interfaceRef(device),
      tool: 'ifupdown',
    });
  readMethod(list, stanza, lines);
  for (const line of lines) readLine(list, stanza, master?.rest ?? device, line);
  if (!isAlias) tellOfUpper(list, device, lines, place);
}

/** `iface bond0:1`: a further address of bond0. */
function tellOfAlias(list: FactList, { device, name, place }: Stanza, starts: readonly Start[]): void {
  const isStarted = starts.some(start => start.device === name || start.device === 'all');
  const label = `${shown(name)} is ${shown(device)}: its addresses were taken for that, without the label.`;
  if (isStarted) list.findOfBond(place, 'note', label, device);
  else {
    const message = `${label} Nothing starts ${shown(name)} at boot, so ifupdown gives them only by "ifup ${shown(name)}".`;
    list.findOfBond(place, 'warning', message, device);
  }
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

/** Bonds and ports of Open vSwitch are no interfaces of Linux. True where the stanza is nothing else. */
function tellOfOpenVSwitch(list: FactList, { device }: Stanza, lines: readonly Line[]): boolean {
  const type = lines.find(({ word }) => word === 'ovs_type');
  if (type === undefined) return false;
  const what = type.rest.toLowerCase();
  if (what === 'ovsbond') {
    const message = `${shown(device)} is a bond of Open vSwitch, which is none of Linux; it was left out, and stays where it is.`;
    list.find(type.place, 'warning', message);
    return true;
  }
  const over = lines.filter(({ word }) => word === 'ovs_ports').flatMap(({ rest }) => rest.split(/\s+/));
  if (what === 'ovsport') {
    const bridge = lines.find(({ word }) => word === 'ovs_bridge')?.rest ?? 'its bridge';
    const message = `${shown(device)} is a port of ${shown(bridge)}, of Open vSwitch: put it in by "${advice('ovs-vsctl add-port {bridge} {bond}', { bridge, bond: device })}" after the bond is made.`;
    list.find(type.place, 'warning', message, device);
    return false;
  }
  list.say(type.place, { kind: 'device', device, what: 'switch', over, keep: KEEP });
  return false;
}

const KEEP =
  'keep its stanza in /etc/network/interfaces, take the bond-* lines out of that of the bond, and have Bondwire start before networking.service';

/** A VLAN or bridge over something that may be a bond: Bondwire makes neither. */
function tellOfUpper(list: FactList, device: string, lines: readonly Line[], place: Place): void {
  const words = (name: string): string[] =>
    lines
      .filter(({ word }) => word === name)
      .flatMap(({ rest }) => rest.split(/\s+/))
      .filter(each => each !== '' && each !== 'none');
  const say = (what: string, over: readonly string[]): void =>
    list.say(place, { kind: 'device', device, what, over, keep: KEEP });
  const dot = device.lastIndexOf('.');
  const raw = words('vlan_raw_device');
  const ports = words('bridge_ports');
  if (raw.length > 0) say('VLAN', raw);
  else if (dot > 0) say('VLAN', [device.slice(0, dot)]);
  if (ports.length > 0) say('bridge', ports);
  const vrf = words('vrf')[0];
  if (vrf !== undefined)
    list.say(place, { kind: 'device', device: vrf, what: 'VRF', over: [device], keep: KEEP });
}
