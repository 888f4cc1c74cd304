// [Match] of systemd.network(5): which interfaces a .network file is for. All conditions must be met; of the files that fit an
// interface, the first counts. (config)
import { shown } from '../../base/index.js';
import { macText } from '../addresses.js';
import type { Condition, FactList, InterfaceRef, KnownInterface } from '../facts.js';
import { splitWords } from '../shell/logical-lines.js';
import { resolve } from '../machine-match.js';
import { entriesIn, listed, type Unit } from './networkd-units.js';
import type { UnitEntry } from '../unit-file.js';

/** Keys that are looked at, with what they are about. */
const KEYS: Readonly<Record<string, Condition['of']>> = {
  Name: 'name',
  OriginalName: 'name',
  MACAddress: 'mac',
  PermanentMACAddress: 'permanentMac',
  Driver: 'driver',
  Path: 'path',
  Type: 'type',
  Kind: 'kind',
};

/** Keys that ask for something else than the interface, or for what nothing here knows of it. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set([
  'Architecture',
  'BSSID',
  'Credential',
  'Firmware',
  'Host',
  'KernelCommandLine',
  'KernelVersion',
  'Property',
  'SSID',
  'Version',
  'Virtualization',
  'WLANInterfaceType',
]);

/** What a file is for. */
export interface Match {
  readonly conditions: readonly Condition[];
  /** Names without wildcards, where nothing else is asked for: they need not be there. */
  readonly names: readonly string[] | null;
  /** Conditions that were not looked at. */
  readonly unknown: readonly UnitEntry[];
}

export function matchOf({ sections, list }: Unit): Match {
  const given = entriesIn(sections, 'Match');
  const conditions = Object.entries(KEYS).flatMap(([key, of]) => {
    const words = listed(given, key).flatMap(({ value }) => splitWords(value));
    const isInverted = words[0]?.startsWith('!') === true;
    const plain = words.map((word, at) => (at === 0 && isInverted ? word.slice(1) : word)).filter(Boolean);
    const patterns = of === 'mac' || of === 'permanentMac' ? plain.map(word => macText(word) ?? word) : plain;
    return patterns.length === 0 ? [] : [{ of, patterns, isInverted }];
  });
  const [only, ...more] = conditions;
  const isPlain =
    only?.of === 'name' &&
    !only.isInverted &&
    more.length === 0 &&
    only.patterns.every(name => !/[*?[]/.test(name));
  const unknown = given.filter(({ key }) => !Object.hasOwn(KEYS, key));
  for (const { key, place } of unknown)
    if (!NOT_LOOKED_AT.has(key))
      list.find(place, 'warning', `${shown(key)} of [Match] is not known here; it was left out.`);
  return {
    conditions,
    names: isPlain ? only.patterns : null,
    unknown: unknown.filter(({ key }) => NOT_LOOKED_AT.has(key)),
  };
}

/** The interfaces that a file fits, those that are only named among them. */
export function fitting({ conditions, names }: Match, machine: readonly KnownInterface[]): string[] {
  if (names !== null) {
    const own = (name: string): string =>
      machine.find(({ alternativeNames = [] }) => alternativeNames.includes(name))?.name ?? name;
    return [...new Set(names.map(own))];
  }
  if (conditions.length === 0) return [];
  return resolve(machine, { by: 'match', conditions });
}

/** For members of which the machine has none yet. */
export function refOf({ conditions }: Match): InterfaceRef {
  return { by: 'match', conditions };
}

/** Tells that conditions were taken for met. */
export function tellUnknown(list: FactList, { unknown }: Match, device: string): void {
  for (const { key, value, place } of unknown)
    list.find(
      place,
      'warning',
      `${key}=${shown(value)} of [Match] was not looked at; the file was taken as if it fits.`,
      device,
    );
}
