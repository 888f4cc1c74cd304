// Parameters of the driver's module as the module treats them (bond_check_params): what is out of range falls back with a
// warning, and a few bad values keep the module from loading at all. (config)
import { own, parseIpv4, shown } from '../../base/index.js';
import { canonicalValue, findOption, optionNumber } from '../../policy/index.js';
import type { Finding, Level, Place } from '../facts.js';

export interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly place: Place;
}

/** What the module makes of its parameters. */
export interface ModuleParameters {
  /** For the option engine, at the places where they stand. */
  readonly options: readonly Parameter[];
  readonly findings: readonly Finding[];
  /** How many bonds it makes when it is loaded. */
  readonly maxBonds: number;
}

/** Numbers and what the module falls back to when they are out of range. */
const RANGES: Readonly<
  Record<string, { readonly min: number; readonly max: number; readonly fallback: number }>
> = {
  max_bonds: { min: 0, max: 2147483647, fallback: 1 },
  tx_queues: { min: 1, max: 255, fallback: 16 },
  miimon: { min: 0, max: 2147483647, fallback: 0 },
  updelay: { min: 0, max: 2147483647, fallback: 0 },
  downdelay: { min: 0, max: 2147483647, fallback: 0 },
  arp_interval: { min: 0, max: 2147483647, fallback: 0 },
  use_carrier: { min: 0, max: 1, fallback: 1 },
  num_grat_arp: { min: 0, max: 255, fallback: 1 },
  num_unsol_na: { min: 0, max: 255, fallback: 1 },
  all_slaves_active: { min: 0, max: 1, fallback: 0 },
  resend_igmp: { min: 0, max: 255, fallback: 1 },
  packets_per_slave: { min: 0, max: 65535, fallback: 1 },
  lp_interval: { min: 1, max: 2147483647, fallback: 1 },
  min_links: { min: 0, max: 2147483647, fallback: 0 },
};

/** Words of the option engine, and in which modes (by number) the module reads them; elsewhere it ignores them. */
const WORDS: Readonly<Record<string, readonly number[] | 'all'>> = {
  xmit_hash_policy: [2, 4, 5, 6],
  lacp_rate: [4],
  ad_select: 'all',
  primary_reselect: 'all',
  fail_over_mac: 'all',
  arp_validate: 'all',
};

const PRIMARY_MODES: ReadonlySet<number> = new Set([1, 5, 6]);
const WITHOUT_ARP: ReadonlySet<number> = new Set([4, 5, 6]);
const MOST_TARGETS = 16;
const DEFAULT_MIIMON = 100;

/** kstrtoint with base 0: decimal, 0x hexadecimal, 0 octal. */
function parseInt0(text: string): number | null {
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))\n?$/.exec(text);
  if (match === null) return null;
  const [, sign, hex, octal, decimal] = match;
  const value =
    hex !== undefined
      ? Number.parseInt(hex, 16)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : Number(decimal);
  if (value > 2147483648 || (value === 2147483648 && sign !== '-')) return null;
  return sign === '-' ? -value : value;
}

/** Treats the parameters of one instance of the module; of a parameter that is given twice, the last counts. */
export function moduleParameters(given: readonly Parameter[]): ModuleParameters {
  const findings: Finding[] = [];
  const find = (level: Level, place: Place, message: string): void => {
    findings.push({ level, place, message });
  };
  const last = new Map(given.map(parameter => [parameter.name, parameter]));
  const numbers = new Map<string, { value: number; place: Place }>();
  const options: Parameter[] = [];
  const fails = ({ name, value, place }: Parameter, why: string): void => {
    find('error', place, `${name}=${shown(value)} keeps the module from loading: ${why}.`);
  };

  for (const parameter of last.values()) {
    const { name, value, place } = parameter;
    const range = own(RANGES, name);
    if (range === undefined) continue;
    const number = parseInt0(value);
    if (number === null) {
      fails(parameter, 'it is no number');
    } else if (number < range.min || number > range.max) {
      const allowed = range.max === 2147483647 ? `at least ${range.min}` : `${range.min} to ${range.max}`;
      find(
        'warning',
        place,
        `${name}=${shown(value)} is not ${allowed}, so the module takes ${range.fallback}.`,
      );
      numbers.set(name, { value: range.fallback, place });
    } else {
      numbers.set(name, { value: number, place });
    }
  }

  const mode = modeOf(last.get('mode'), options, fails);
  settleMonitors({ last, numbers, mode, find });
  const targets = targetsOf(last.get('arp_ip_target'), find);
  const interval = numbers.get('arp_interval');
  if (interval !== undefined && interval.value > 0 && targets === null) {
    find('warning', interval.place, 'arp_interval needs a usable arp_ip_target, so the module turns it off.');
    numbers.delete('arp_interval');
  }
  const probes = (numbers.get('arp_interval')?.value ?? 0) > 0;
  const targetPlace = last.get('arp_ip_target')?.place;
  if (targets !== null && targetPlace !== undefined) {
    if (probes) options.push({ name: 'arp_ip_target', value: targets.join(','), place: targetPlace });
    else find('warning', targetPlace, 'arp_ip_target without arp_interval has no effect; it was left out.');
  }

  for (const parameter of last.values()) {
    const { name, value, place } = parameter;
    const modes = own(WORDS, name);
    if (modes === undefined) continue;
    if (modes !== 'all' && !modes.includes(mode)) {
      find(
        'warning',
        place,
        `${name}=${shown(value)} is ignored by the module in mode ${canonicalValue('mode', String(mode))}.`,
      );
    } else if (name === 'primary_reselect' && !last.has('primary')) {
      find('warning', place, `${name}=${shown(value)} is ignored by the module where no primary is given.`);
    } else if (name === 'arp_validate' && !probes) {
      fails(parameter, 'arp_validate needs arp_interval');
    } else {
      const spec = findOption(name);
      const parsed = spec === undefined ? null : optionNumber(spec, value);
      if (parsed?.ok === false) fails(parameter, parsed.error.message);
      else options.push({ name, value: canonicalValue(name, value), place });
    }
  }
  otherParameters(last, mode, options, find);
  for (const [name, { value, place }] of numbers) {
    if (name === 'max_bonds') continue;
    if (name === 'tx_queues') {
      find('note', place, 'tx_queues has no counterpart: a bond of Bondwire has the queues that it needs.');
    } else if (name === 'packets_per_slave' && mode !== 0) {
      find('warning', place, 'packets_per_slave is ignored by the module in modes other than balance-rr.');
    } else {
      options.push({ name, value: String(value), place });
    }
  }
  return { options, findings, maxBonds: numbers.get('max_bonds')?.value ?? 1 };
}

function modeOf(
  mode: Parameter | undefined,
  options: Parameter[],
  fails: (parameter: Parameter, why: string) => void,
): number {
  const spec = findOption('mode');
  if (mode === undefined || spec === undefined) return 0;
  const parsed = optionNumber(spec, mode.value);
  if (!parsed.ok) {
    fails(mode, parsed.error.message);
    return 0;
  }
  options.push({ name: 'mode', value: canonicalValue('mode', mode.value), place: mode.place });
  return parsed.value;
}

/** One monitor only, and modes without ARP monitoring must have the other. */
function settleMonitors(context: {
  readonly last: ReadonlyMap<string, Parameter>;
  readonly numbers: Map<string, { value: number; place: Place }>;
  readonly mode: number;
  readonly find: (level: Level, place: Place, message: string) => void;
}): void {
  const { last, numbers, mode, find } = context;
  const miimon = numbers.get('miimon')?.value ?? 0;
  const place = last.get('mode')?.place;
  if (WITHOUT_ARP.has(mode) && miimon === 0 && place !== undefined) {
    find('warning', place, `This mode needs link monitoring, so the module takes miimon=${DEFAULT_MIIMON}.`);
    numbers.set('miimon', { value: DEFAULT_MIIMON, place });
  }
  const monitored = (numbers.get('miimon')?.value ?? 0) > 0;
  const interval = numbers.get('arp_interval');
  if (monitored && interval !== undefined && interval.value > 0) {
    find('warning', interval.place, 'miimon and arp_interval exclude each other; the module keeps miimon.');
    numbers.delete('arp_interval');
  }
  for (const name of ['updelay', 'downdelay']) {
    const delay = numbers.get(name);
    if (monitored || delay === undefined) continue;
    if (delay.value > 0)
      find('warning', delay.place, `${name} is ignored by the module while miimon is not set.`);
    numbers.delete(name);
  }
}

/** The targets, or null where there is none or a bad one. */
function targetsOf(
  parameter: Parameter | undefined,
  find: (level: Level, place: Place, message: string) => void,
): readonly string[] | null {
  if (parameter === undefined) return null;
  const { value, place } = parameter;
  const targets: string[] = [];
  for (const text of value.split(',').map(part => part.trim())) {
    const parsed = parseIpv4(text);
    if (!parsed.ok || text === '0.0.0.0' || text === '255.255.255.255') {
      find(
        'warning',
        place,
        `arp_ip_target=${shown(text)} is no usable IPv4 address, so the module turns ARP monitoring off.`,
      );
      return null;
    }
    if (targets.includes(text))
      find('warning', place, `arp_ip_target ${text} is given twice; it counts once.`);
    else targets.push(text);
  }
  if (targets.length > MOST_TARGETS) {
    find(
      'warning',
      place,
      `arp_ip_target has more than ${MOST_TARGETS} addresses; the module takes no more.`,
    );
  }
  return targets.slice(0, MOST_TARGETS);
}

function otherParameters(
  last: ReadonlyMap<string, Parameter>,
  mode: number,
  options: Parameter[],
  find: (level: Level, place: Place, message: string) => void,
): void {
  for (const { name, value, place } of last.values()) {
    if (name in RANGES || name in WORDS || name === 'mode' || name === 'arp_ip_target') continue;
    if (name === 'primary') {
      if (PRIMARY_MODES.has(mode)) options.push({ name, value: value.trim(), place });
      else
        find(
          'warning',
          place,
          `primary=${shown(value)} is ignored by the module in a mode without a primary.`,
        );
    } else if (name === 'arp_all_targets') {
      const spec = findOption(name);
      const good = spec !== undefined && optionNumber(spec, value).ok;
      if (!good)
        find(
          'warning',
          place,
          `arp_all_targets=${shown(value)} is neither any nor all; the module takes any.`,
        );
      options.push({ name, value: good ? canonicalValue(name, value) : 'any', place });
    } else if (name === 'multicast') {
      // Of the first drivers; today's module ignores it, Bondwire does not (H29).
      const spec = findOption(name);
      if (spec !== undefined && optionNumber(spec, value).ok)
        options.push({ name, value: canonicalValue(name, value), place });
      else
        find(
          'error',
          place,
          `multicast=${shown(value)} is none of disabled (0), active (1) and all (2); it was left out.`,
        );
    } else if (findOption(name) !== undefined) {
      find(
        'warning',
        place,
        `${name} is no parameter of the module, which ignores it; Bondwire can set it: add it to the options in bondwire.yaml.`,
      );
    } else {
      find(
        'warning',
        place,
        `${shown(name)} is no parameter of the module, which ignores it; it was left out.`,
      );
    }
  }
}
