// mwan3's interfaces as lines: those of one device, of IPv4 and of IPv6, are one line. (config)
import { shown } from '../../base/index.js';
import { DEFAULT_TARGETS } from '../../uplinks/index.js';
import { addressText } from '../addresses.js';
import type { Place } from '../facts.js';
import { deviceOf } from './openwrt-network.js';
import { isOn, type Telling, valueOf, valuesOf } from './telling.js';
import type { UciSection } from './uci-file.js';

export type Family = 'ipv4' | 'ipv6';

/** One enabled interface of mwan3: a line in one family. */
export interface Way {
  readonly name: string;
  readonly family: Family;
  /** Name of its line. */
  readonly line: string;
  readonly section: UciSection;
}

export interface LineDraft {
  readonly name: string;
  readonly device: string;
  readonly place: Place;
  readonly ways: readonly Way[];
  /** Undefined: Bondwire's own. */
  readonly targets: readonly string[] | undefined;
}

const LINE_NAME = /^[a-z]\w{0,30}$/i;

/** The lines in the order of the file. */
export function linesOf(
  sections: readonly UciSection[],
  network: readonly UciSection[] | null,
  telling: Telling,
): readonly LineDraft[] {
  const interfaces = sections.filter(({ type }) => type === 'interface');
  const known = new Set(interfaces.flatMap(({ name }) => name ?? []));
  const drafts: { name: string; device: string; place: Place; ways: Way[] }[] = [];
  for (const section of interfaces) {
    const { name, place } = section;
    if (name === null) {
      telling.markAll(section);
      telling.tell(
        'warning',
        place,
        'This interface has no name, so mwan3 passes it over, and so does this.',
      );
      continue;
    }
    if (!isOn(section, 'enabled')) {
      telling.markAll(section);
      const message = `${shown(name)} is not enabled, so it was left out, with all its options.`;
      telling.tell('note', place, message);
      continue;
    }
    telling.mark(section, ['enabled']);
    const { device, doubt } = deviceOf(name, network, known);
    if (doubt !== null) telling.tell('warning', place, doubt);
    const same = drafts.find(each => each.device === device);
    const line = same?.name ?? lineName(name, drafts, telling, place);
    const family = familyOf(section, telling);
    if (same === undefined)
      drafts.push({ name: line, device, place, ways: [{ name, family, line, section }] });
    else same.ways.push({ name, family, line, section });
    const what =
      same === undefined
        ? `${shown(line)} is a line, by the device ${shown(device)}`
        : `${shown(name)} is the line ${shown(line)}, by the same device ${shown(device)}`;
    telling.about(
      section,
      ['family'],
      'understood',
      `${what}; mwan3 has it for ${family === 'ipv4' ? 'IPv4' : 'IPv6'}, here a line has both families where it has addresses, and each is judged apart.`,
    );
  }
  return drafts.map(({ name, device, place, ways }) => ({
    name,
    device,
    place,
    ways,
    targets: targetsOf(ways, telling),
  }));
}

function familyOf(section: UciSection, telling: Telling): Family {
  const text = valueOf(section, 'family') ?? 'ipv4';
  if (text !== 'ipv4' && text !== 'ipv6')
    telling.about(
      section,
      ['family'],
      'warning',
      `family ${shown(text)} is not ipv4 and not ipv6; ipv4 was taken.`,
    );
  return text === 'ipv6' ? 'ipv6' : 'ipv4';
}

/** The name of the interface, or one that begins with a letter. */
function lineName(
  name: string,
  drafts: readonly { readonly name: string }[],
  telling: Telling,
  place: Place,
): string {
  const isFree = (wanted: string): boolean => drafts.every(each => each.name !== wanted);
  if (LINE_NAME.test(name) && isFree(name)) return name;
  const stem = `line_${name}`.slice(0, 28);
  let own = stem;
  for (let number = 2; !isFree(own); number++) own = `${stem}${number}`;
  telling.tell(
    'note',
    place,
    `${shown(name)} cannot name a line, which begins with a letter; it is called ${shown(own)} here.`,
  );
  return own;
}

/** `track_ip` of all ways of a line; at least two of a family, with ours where there is one. */
function targetsOf(ways: readonly Way[], telling: Telling): readonly string[] | undefined {
  const targets = { ipv4: new Set<string>(), ipv6: new Set<string>() };
  for (const { section, name } of ways) {
    const option = section.options.find(each => each.name === 'track_ip');
    telling.mark(section, ['track_ip']);
    if (option === undefined) {
      const message = `${shown(name)} has no track_ip, so mwan3 asks nobody by it and takes it for good while it is up; here Bondwire's own targets are asked.`;
      telling.tell('warning', section.place, message);
      continue;
    }
    if (!option.isList)
      telling.about(
        section,
        ['track_ip'],
        'warning',
        'track_ip is an option here, and mwan3 reads lists ("list track_ip") alone; it was taken, as meant.',
      );
    for (const { text, place } of valuesOf(section, 'track_ip')) {
      const address = addressText(text);
      if (address === null || /^(?:0\.0\.0\.0|::)$/.test(address)) {
        const message = `track_ip ${shown(text)} is no address that can be asked; names are not taken, as they cannot be asked for when a line is dead.`;
        telling.tell('warning', place, message);
        continue;
      }
      targets[address.includes(':') ? 'ipv6' : 'ipv4'].add(address);
      telling.tell('understood', place, `${address} is a target of the line.`);
    }
  }
  const place = ways[0]?.section.place;
  const whole = (['ipv4', 'ipv6'] as const).flatMap(family => {
    const own = Array.from(targets[family]);
    const [only] = own;
    if (own.length !== 1 || only === undefined || place === undefined) return own;
    const more = DEFAULT_TARGETS[family].find(address => address !== only) ?? '';
    telling.tell(
      'warning',
      place,
      `${shown(only)} is the only target of ${family === 'ipv4' ? 'IPv4' : 'IPv6'}: one alone that is down would be taken for a dead line, so ${more} is asked too; write one of your own.`,
    );
    return [only, more];
  });
  return whole.length === 0 ? undefined : whole;
}
