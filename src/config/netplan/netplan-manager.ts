// netplan's own form of NetworkManager's keyfiles: `networkmanager: passthrough:` with GROUP.KEY, which is what Ubuntu's desktop
// writes. (config)
import { shown } from '../../base/index.js';
import { child, entriesOf, text, type Tree } from '../yaml/document-tree.js';
import type { FactList } from '../facts.js';
import { isYes } from '../networkd/networkd-units.js';
import { readAddresses } from '../network-manager/nm-addresses.js';
import { tellLost } from '../network-manager/nm-lost.js';
import type { UnitEntry, UnitSection } from '../unit-file.js';

/** Keys that only say which connection it is. */
const SILENT: ReadonlySet<string> = new Set([
  'connection.id',
  'connection.interface-name',
  'connection.type',
  'connection.uuid',
  'proxy._',
]);

/** The sections of the keyfile that netplan would write of it. */
export function passedThrough(definition: Tree): UnitSection[] {
  const manager = child(definition, 'networkmanager') ?? definition;
  const sections = new Map<string, UnitEntry[]>();
  for (const { key, place, value } of entriesOf(child(manager, 'passthrough'))) {
    const dot = key.indexOf('.');
    const [group, name] = dot < 0 ? [key, ''] : [key.slice(0, dot), key.slice(dot + 1)];
    const entries = sections.get(group) ?? [];
    entries.push({ key: name, value: text(value) ?? '', place });
    sections.set(group, entries);
  }
  return Array.from(sections, ([name, entries]) => ({
    name,
    entries,
    place: entries[0]?.place ?? definition.place,
  }));
}

/** What is passed through for a bond: options, addresses, whether it is started. */
export function readPassedThrough(list: FactList, bond: string, definition: Tree): void {
  const sections = passedThrough(definition);
  for (const family of ['ipv4', 'ipv6'] as const) readAddresses(list, bond, sections, family);
  for (const { name, entries } of sections) {
    for (const entry of entries) {
      const { key, value, place } = entry;
      if (name === 'bond') list.say(place, { kind: 'option', bond, name: key, value: value.trim() });
      else if (name === 'connection' && key === 'autoconnect')
        list.say(place, { kind: 'up', device: bond, up: isYes(value) });
      else if (name === 'ethernet' && key === 'mtu') {
        if (value !== '0') list.say(place, { kind: 'mtu', device: bond, value });
      } else if (name === 'ethernet' && key === 'cloned-mac-address')
        list.say(place, { kind: 'mac', device: bond, value });
      else if (!['ipv4', 'ipv6'].includes(name) && key !== '_' && key !== '' && !SILENT.has(`${name}.${key}`))
        tellLost(list, bond, name, entry);
    }
  }
}

/** `nm-devices`: whole keyfiles, of kinds that netplan itself does not know. */
export function tellDevices(list: FactList, network: Tree): void {
  for (const { key, place, value } of entriesOf(child(network, 'nm-devices'))) {
    const type = passedThrough(value)
      .find(({ name }) => name === 'connection')
      ?.entries.find(entry => entry.key === 'type')?.value;
    if (type !== undefined && !['bond', 'team'].includes(type)) continue;
    const message = `${shown(key)} of nm-devices is a whole keyfile of NetworkManager, which is not read in this form; import the one that netplan writes to /run/NetworkManager/system-connections.`;
    list.find(place, 'warning', message);
  }
}
