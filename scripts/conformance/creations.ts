// Creations with several options at once, made by chance from a seed: subsets of the options with mostly good values.
import { findOption, MODE_NAMES, type OptionSpec } from '#policy';
import { Random } from '#simulator';
import { ATTRIBUTES, rangeOf } from './attributes.js';

/** Options and values of a new bond, by netlink numbers as text; in any order. */
export type Creation = readonly (readonly [option: string, value: string])[];

const SEED = 20_260;
const COUNT = 2000;

/** Options that a bond without members can be made with. */
const CANDIDATES = ATTRIBUTES.filter(
  ({ option, perMember }) =>
    !perMember && option !== 'mode' && option !== 'active_slave' && option !== 'primary',
);

function valueOf(random: Random, spec: OptionSpec, range: readonly [number, number] | null): string {
  if (range === null) {
    if (spec.kind === 'address') return random.pick(['02:00:00:00:00:55', '01:00:5e:00:00:01']);
    const prefix = spec.name === 'arp_ip_target' ? '192.0.2.' : 'fe80::';
    return random.pick([`${prefix}1`, `${prefix}1,${prefix}2`, `${prefix}1,${prefix}1`, `${prefix}3`]);
  }
  const [least, most] = range;
  const good = spec.words.map(word => word.value);
  if (spec.max !== null) good.push(spec.min, spec.max, Math.min(spec.max, 100), Math.min(spec.max, 250));
  const bad = [(spec.max ?? Math.max(...good)) + 1, most].filter(number => number >= least && number <= most);
  return String(random.chance(96) || bad.length === 0 ? random.pick(good) : random.pick(bad));
}

function creation(random: Random): Creation {
  const mode = random.integer(0, MODE_NAMES.length - 1);
  const pairs: (readonly [string, string])[] = random.chance(90) ? [['mode', String(mode)]] : [];
  const name = MODE_NAMES[random.chance(90) ? mode : random.integer(0, MODE_NAMES.length - 1)];
  const wanted = random.integer(0, 6);
  for (let tries = 0; tries < 30 && pairs.length < wanted; tries++) {
    const { option, type } = random.pick(CANDIDATES);
    const spec = findOption(option);
    if (spec === undefined || pairs.some(([given]) => given === option)) continue;
    const fits = spec.modes === 'all' || (name !== undefined && spec.modes.includes(name));
    // What the mode forbids ends nearly every creation; a few of them are enough.
    if (fits || random.chance(5)) pairs.push([option, valueOf(random, spec, rangeOf(type))]);
  }
  return pairs;
}

/** All creations, in the order of the record. */
export function creations(): readonly Creation[] {
  const random = new Random(SEED);
  return Array.from({ length: COUNT }, () => creation(random));
}
