// Every write that is tried in every situation: values made from the option table, through both doors (sysfs files and netlink
// attributes). Nothing here is picked by hand for one option, except the forms that interfaces, lists and addresses take.
import { findOption, OPTION_TABLE, type OptionSpec } from '#policy';
import { ATTRIBUTES, type AttributeSpec, rangeOf } from './attributes.js';
import { MEMBERS, NOBODY, type Stage, STRANGER, TARGET } from './stages.js';

/** One write. */
export interface Trial {
  readonly door: 'sysfs' | 'netlink';
  /** Name of the file, or of the option of the attribute. */
  readonly option: string;
  readonly value: string;
}

/** Words that are helpers of some option; tried with all. */
const HELPERS = ['off', 'on', 'default', 'minval', 'maxval'];
const WRONG = [
  '',
  'nonsense',
  '-1',
  '+1',
  '0x1',
  '1.5',
  '1e1',
  '1x',
  ',',
  'n'.repeat(40),
  '4294967295',
  '4294967296',
  '18446744073709551616',
];

/** A number as people write it, well or not. */
function formsOf(number: string): string[] {
  return [
    ` ${number}`,
    `${number} `,
    `\t${number}`,
    `${number}\n`,
    `${number}\nx`,
    `${number} x`,
    `00${number}`,
  ];
}

function numbersOf({ words, min, max }: OptionSpec): number[] {
  const listed = words.map(word => word.value);
  const [least, most] = max === null ? [Math.min(...listed), Math.max(...listed)] : [min, max];
  return [...listed, least - 1, least, least + 1, most - 1, most, most + 1];
}

function numberTexts(spec: OptionSpec): string[] {
  const words = spec.words.map(word => word.word);
  const first = words[0] ?? 'nonsense';
  const distortions = [
    first.toUpperCase(),
    first.slice(0, -1),
    `${first}x`,
    ` ${first} `,
    `${first}\n`,
    `${first} x`,
  ];
  const good = String(spec.words.at(-1)?.value ?? spec.min);
  return [...numbersOf(spec).map(String), ...words, ...HELPERS, ...distortions, ...formsOf(good), ...WRONG];
}

const INTERFACE_TEXTS = [
  '',
  ...MEMBERS,
  STRANGER,
  NOBODY,
  'lo',
  ' eth1',
  'eth1 ',
  'eth1\n',
  'eth1\nx',
  'eth1 eth2',
  'ETH1',
  'eth/1',
  'n'.repeat(15),
  'n'.repeat(16),
  '0',
];

const MANY_IPV4 = Array.from({ length: 17 }, (_, i) => `192.0.2.${i + 1}`);
const MANY_IPV6 = Array.from({ length: 17 }, (_, i) => `fe80::${(i + 1).toString(16)}`);
const WRONG_IPV4 = [
  '0.0.0.0',
  '0.1.2.3',
  '255.255.255.255',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.1.5',
  '192.0.2.',
  'x',
];
const IPV4 = ['192.0.2.1', '127.0.0.1', '224.0.0.1', TARGET];
const IPV4_TEXTS = [
  ...[...IPV4, ...WRONG_IPV4].flatMap(address => [`+${address}`, `-${address}`]),
  '',
  '+',
  '-',
  '192.0.2.1',
  'x',
  ' +192.0.2.1',
  '+192.0.2.1 ',
  '+192.0.2.1\n',
  '+192.0.2.1\nx',
  '++192.0.2.1',
  '+ 192.0.2.1',
  '+192.0.2.1,192.0.2.2',
  '+192.0.2.001',
  '+192.0.2.1x',
];
const IPV4_LISTS = [
  '',
  ...IPV4,
  '0.0.0.0',
  '0.1.2.3',
  '255.255.255.255',
  '192.0.2.1,192.0.2.2',
  '192.0.2.1,192.0.2.1',
  '192.0.2.1,0.0.0.0,192.0.2.3',
  MANY_IPV4.slice(0, 16).join(','),
  MANY_IPV4.join(','),
];
const IPV6_LISTS = [
  '',
  'fe80::1',
  '2001:db8::1',
  '::',
  '::1',
  '::2',
  'ff02::1',
  '::ffff:192.0.2.1',
  'fe80::1,fe80::2',
  'fe80::1,fe80::1',
  'fe80::1,::,fe80::2',
  MANY_IPV6.slice(0, 16).join(','),
  MANY_IPV6.join(','),
];
const MACS = [
  '00:00:00:00:00:00',
  '02:00:00:00:00:55',
  '00:11:22:aa:bb:cc',
  '01:00:5e:00:00:01',
  'ff:ff:ff:ff:ff:ff',
];
const MAC_TEXTS = [
  ...MACS,
  '',
  'x',
  '02:00:00:00:00',
  '02:00:00:00:00:5',
  '2:0:0:0:0:55',
  '02-00-00-00-00-55',
  '02:00:00:00:00:5G',
  '02:00:00:AA:00:55',
  ' 02:00:00:00:00:55',
  '02:00:00:00:00:55 ',
  '02:00:00:00:00:55\n',
  '02:00:00:00:00:55x',
  '02:00:00:00:00:55:66',
];

function perMemberTexts(numbers: readonly number[]): string[] {
  const [first = '', second = ''] = MEMBERS;
  const good = numbers.flatMap(number => [`${first}:${number}`, `${second}:${number}`]);
  const wrong = [
    '',
    first,
    `${first}:`,
    `:1`,
    `${STRANGER}:1`,
    `${NOBODY}:1`,
    `${first}:x`,
    `${first}:1x`,
    `${first} 1`,
  ];
  const odd = [
    `${first}:-1`,
    `${first}:+1`,
    `${first}: 1`,
    ` ${first}:1`,
    `${first}:1\n`,
    `${first}:0x1`,
    `${first}:65537`,
  ];
  return [...good, ...wrong, ...odd];
}

/** Membership has inputs of its own; here only what must be refused. */
const SLAVES_TEXTS = ['', '+', '-', 'eth0', `+${NOBODY}`, `-${NOBODY}`, `-${STRANGER}`, 'x', '*eth0', '+lo/'];

function sysfsTexts(spec: OptionSpec): string[] {
  switch (spec.kind) {
    case 'word':
    case 'number':
      return numberTexts(spec);
    case 'interface':
      return INTERFACE_TEXTS;
    case 'list':
      return IPV4_TEXTS;
    case 'address':
      return MAC_TEXTS;
    case 'members':
      return SLAVES_TEXTS;
    case 'per-member':
      return perMemberTexts([0, 1, 3, 15, 16, 17, 65535, 65536]);
    default:
      return spec.kind satisfies never;
  }
}

function netlinkTexts(spec: OptionSpec, { type, perMember }: AttributeSpec): string[] {
  const range = rangeOf(type);
  if (range !== null) {
    const [min, max] = range;
    const numbers = perMember ? [0, 1, 3, 15, 16, 17, -1, 255, min, max] : [...numbersOf(spec), min, max];
    const fitting = numbers.filter(number => number >= min && number <= max);
    if (!perMember) return fitting.map(String);
    return fitting.flatMap(number => MEMBERS.slice(0, 2).map(member => `${member}:${number}`));
  }
  if (type === 'interface') return ['', ...MEMBERS, STRANGER, NOBODY];
  if (type === 'mac') return MACS;
  return type === 'ipv4-list' ? IPV4_LISTS : IPV6_LISTS;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function throughFiles(): Trial[] {
  return OPTION_TABLE.filter(spec => spec.sysfs !== null).flatMap(spec => {
    // Of the other spellings one is a file too.
    const files = [spec.name, ...spec.aliases.filter(alias => alias === 'num_unsol_na')];
    return files.flatMap(option =>
      unique(sysfsTexts(spec)).map(value => ({ door: 'sysfs' as const, option, value })),
    );
  });
}

function throughNetlink(): Trial[] {
  return ATTRIBUTES.flatMap(attribute => {
    const spec = findOption(attribute.option);
    if (spec === undefined) throw new Error(`The option table has no ${attribute.option}`);
    const values = unique(netlinkTexts(spec, attribute));
    return values.map(value => ({ door: 'netlink' as const, option: attribute.option, value }));
  });
}

/** All writes, in the order of the record. */
export const TRIALS: readonly Trial[] = [...throughFiles(), ...throughNetlink()];

/** True for a value that only tries how text is read, which no situation changes. */
function isForm({ door, option, value }: Trial): boolean {
  const spec = findOption(option);
  if (door === 'netlink' || spec === undefined || (spec.kind !== 'word' && spec.kind !== 'number'))
    return false;
  const isTelling = ['', 'nonsense', '-1', '1x', '4294967296', ...spec.words.map(word => word.word)].includes(
    value,
  );
  return !isTelling && !numbersOf(spec).map(String).includes(value);
}

/**
 * Writes that are tried in a situation: those of a member need members (netlink speaks to the member itself); good, bad and
 * boundary values in every situation, the many ways of writing them in two for each mode.
 */
export function isPossible(trial: Trial, stage: Stage): boolean {
  const attribute = ATTRIBUTES.find(({ option }) => option === trial.option);
  if (trial.door === 'netlink') return stage.hasMembers || attribute?.perMember !== true;
  return stage.monitor === 'mii' && stage.hasMembers === stage.isUp ? true : !isForm(trial);
}
