// The options of one bond: which statements of files count, what the program that they are for goes on without, and what is left
// for the option engine to refuse. (config)
import { parseIpv4, parseIpv6, shown } from '../base/index.js';
import {
  canonicalValue,
  type CheckedOptions,
  checkOptions,
  findOption,
  nearestOption,
  optionNumber,
  type OptionText,
} from '../policy/index.js';
import type { Fact, KnownInterface, Level, Place } from './facts.js';
import { resolve } from './machine-match.js';
import type { Member, Membership } from './membership.js';
import type { ModuleParameters } from './module/module-parameters.js';
import { HABITS, type Tool } from './original-tools.js';
import type { MemberWish } from './wishes.js';

type Tell = (level: Level, place: Place, message: string) => void;

/** An option with where it came from. */
interface GivenOption {
  /** The member that it is an option of; null: the bond itself. */
  readonly member: string | null;
  readonly name: string;
  readonly value: string;
  readonly place: Place;
  /** A default of the module for all bonds, as against a wish for this one. */
  readonly isDefault: boolean;
  /** The program that the file is for, where it is known to go on without some options. */
  readonly tool: Tool | null;
}

export interface OptionsOf {
  readonly bond: string;
  readonly facts: readonly Fact[];
  readonly machine: readonly KnownInterface[];
  readonly membership: Membership;
  /** What the module has for this bond. */
  readonly parameters: ModuleParameters;
  /** Where the bond is made. */
  readonly made: Place;
  readonly tell: Tell;
}

/** Options and members of a bond, without those that can never be right; everything is told. */
export function optionsOf(reading: OptionsOf): {
  readonly options: Readonly<Record<string, string>>;
  readonly members: readonly MemberWish[];
} {
  const { bond, membership, made, tell } = reading;
  const members = membership.of(bond);
  const written = [...givenOptions(reading), ...memberOptions(reading, members)];
  const checked = checkOptions(
    bond,
    written.map(textOf),
    members.map(member => member.name),
  );
  const wrong = tellProblems(reading, written, checked);
  for (const { at, message } of checked.warnings)
    tell('warning', (at === null ? undefined : written[at])?.place ?? made, message);
  const right = written.filter(option => !wrong.has(option));
  for (const option of right) tellUnderstood(reading, members, option);
  const optionsFor = (name: string | null): Record<string, string> =>
    Object.fromEntries(right.filter(({ member }) => member === name).map(each => [each.name, each.value]));
  return {
    options: optionsFor(null),
    members: members.map(({ name }) => ({ name, options: optionsFor(name) })),
  };
}

/** As the option engine reads it. */
function textOf({ name, value, member }: GivenOption): OptionText {
  return [name, member === null ? value : `${member}:${value}`];
}

/** Tells of what the option engine refuses, and gives what is left out for that: what will work one day is kept. */
function tellProblems(
  { made, tell }: OptionsOf,
  written: readonly GivenOption[],
  { problems }: CheckedOptions,
): ReadonlySet<GivenOption> {
  const wrong = new Set<GivenOption>();
  for (const { at, refusal } of problems) {
    const option = at === null ? undefined : written[at];
    if (option === undefined) {
      tell('error', made, refusal.message);
      continue;
    }
    const passesOver = option.tool !== null && HABITS[option.tool].passesOver.has(refusal.code);
    const isIdle = ['needs-monitor', 'wrong-mode'].includes(refusal.code) && isInitial(option);
    if (isIdle) {
      const message = `${option.name}=${shown(option.value)} is so anyhow, and has no effect in this bond; it was left out.`;
      tell('note', option.place, message);
    } else if (passesOver) tell('warning', option.place, withoutIt(refusal.message, option));
    else tell('error', option.place, refusal.message);
    wrong.add(option);
  }
  return wrong;
}

function tellUnderstood(
  { bond, tell }: OptionsOf,
  members: readonly Member[],
  { name, value, member, place }: GivenOption,
): void {
  if (member !== null) {
    tell('understood', place, `${bond}: ${name} of ${shown(member)} is ${shown(value)}.`);
    return;
  }
  tell('understood', place, `${bond}: ${name}=${shown(value)}.`);
  const isElsewhere = members.length > 0 && !members.some(each => each.name === value);
  if (name !== 'primary' || value === '' || !isElsewhere) return;
  const message = `${shown(value)} is no member of ${bond} by these files; it is the primary once it joins.`;
  tell('warning', place, message);
}

/** What was refused and why, with what the program does. */
function withoutIt(message: string, { name, value, tool }: GivenOption): string {
  const why = message.replace(/^.*? was refused: /, '').replace(/(?:; leave (?:it )?out[a-z_ ]*)?\.$/, '');
  const how = tool === null ? '' : `${HABITS[tool].how}, and `;
  return `${name}=${shown(value)} was refused: ${why}; ${how}it was left out.`;
}

/** True of the value that a bond has when nobody sets it. */
function isInitial({ name, value }: { readonly name: string; readonly value: string }): boolean {
  const spec = findOption(name);
  const number = spec === undefined ? null : optionNumber(spec, value);
  return number?.ok === true && number.value === spec?.initial;
}

function memberOptions({ facts, machine }: OptionsOf, members: readonly Member[]): GivenOption[] {
  const byKey = new Map<string, GivenOption>();
  for (const fact of facts) {
    if (fact.kind !== 'member-option') continue;
    for (const member of resolve(machine, fact.member)) {
      if (!members.some(each => each.name === member)) continue;
      const { name, place, tool = null } = fact;
      byKey.set(`${name} ${member}`, {
        member,
        name,
        value: fact.value.trim(),
        place,
        isDefault: false,
        tool,
      });
    }
  }
  return Array.from(byKey.values());
}

/** The options of a bond, defaults of the module first, each name once. */
function givenOptions(reading: OptionsOf): GivenOption[] {
  const { bond, facts, machine, membership, tell } = reading;
  const own: GivenOption[] = [];
  for (const fact of facts) {
    if (fact.kind === 'option' && fact.bond === bond) {
      const option = usable(reading, optionOf(fact, { tool: fact.tool ?? null }));
      if (option !== null) own.push(option);
    }
    if (fact.kind === 'first-member' && fact.bond === bond) own.push(...firstMember(reading, fact));
    if (fact.kind !== 'chosen') continue;
    const member = resolve(machine, fact.member).find(name => membership.bondOf(name) === bond);
    if (member !== undefined) own.push(optionOf({ ...fact, value: member }, { tool: fact.tool ?? null }));
  }
  const defaults = reading.parameters.options.map(option =>
    optionOf(option, { isDefault: true, tool: 'module' }),
  );
  const isSet = (name: string): boolean => own.some(option => option.name === name && option.value !== '0');
  // A monitor of its own takes the place of the module's default one, as the driver's options do.
  const dropped = new Set<string>([
    ...(isSet('arp_interval') && !isSet('miimon') ? ['miimon', 'updelay', 'downdelay'] : []),
    ...(isSet('miimon') ? ['arp_interval', 'arp_ip_target', 'arp_validate'] : []),
  ]);
  for (const { name, value, place } of defaults.filter(each => dropped.has(each.name))) {
    const message = `${name}=${shown(value)} of all bonds is not that of ${shown(bond)}, which has the other monitor of its own.`;
    tell('note', place, message);
  }
  const byName = new Map<string, GivenOption>();
  for (const option of [...defaults.filter(({ name }) => !dropped.has(name)), ...own]) {
    const before = byName.get(option.name);
    if (before !== undefined && !before.isDefault && before.value !== option.value) {
      const where = `${before.place.file}:${before.place.line}`;
      tell(
        'warning',
        option.place,
        `${option.name}=${shown(option.value)} stands against ${shown(before.value)} at ${where}; the last counts.`,
      );
    }
    byName.set(option.name, option);
  }
  return oneMonitor(reading, Array.from(byName.values()));
}

/** What is no value of the option at all does not take the place of one that is; null where the program passes over the whole line. */
function usable({ tell }: OptionsOf, option: GivenOption): GivenOption | null {
  const { name, value, place, tool } = option;
  if (tool === null) return option;
  const { passesOver, how } = HABITS[tool];
  const spec = findOption(name);
  if (spec === undefined) {
    if (!passesOver.has('unknown-option')) return option;
    const near = nearestOption(name);
    const hint = near === undefined ? '' : ` (${near} is one)`;
    tell('warning', place, `There is no option ${shown(name)}${hint}; ${how}, and it was left out.`);
    return null;
  }
  // netplan looks at modes, and at nothing else.
  if (!passesOver.has('invalid-value') || (tool === 'netplan' && name === 'mode')) return option;
  if (spec.kind === 'list') return usableTargets(option, tell);
  const number = spec.kind === 'word' || spec.kind === 'number' ? optionNumber(spec, value) : null;
  if (number?.ok !== false) return option;
  const why = number.error.message.replace(/\.$/, '');
  const result = name === 'mode' ? `, so the bond is in ${canonicalValue('mode', '0')}` : '';
  tell(
    'warning',
    place,
    `${name}=${shown(value)} was refused: ${why}; ${how}${result}, and it was left out.`,
  );
  return null;
}

/** Targets are given to the driver one by one. */
function usableTargets(option: GivenOption, tell: Tell): GivenOption | null {
  const { name, value, place, tool } = option;
  const parse = name === 'arp_ip_target' ? parseIpv4 : parseIpv6;
  const targets = new Set<string>();
  for (const target of value.split(',')) {
    if (parse(target).ok && !['0.0.0.0', '255.255.255.255'].includes(target)) targets.add(target);
    else {
      const how = tool === null ? '' : HABITS[tool].how;
      tell(
        'warning',
        place,
        `${name}=${shown(target)} is no address that can be asked; ${how}, and it was left out.`,
      );
    }
  }
  return targets.size === 0 ? null : { ...option, value: Array.from(targets).join(',') };
}

/** ifenslave has the first of several interfaces that is among the members, and no primary where none is. */
function firstMember(
  { bond, membership, tell }: OptionsOf,
  { name, names, place }: Fact & { readonly kind: 'first-member' },
): GivenOption[] {
  const members = new Set(membership.of(bond).map(member => member.name));
  const first = names.find(each => members.has(each));
  const said = names.map(each => shown(each)).join(', ');
  if (first === undefined) {
    const message = `None of ${said} is a member of ${bond} by these files, so ifup sets no ${name}; it was left out.`;
    tell('warning', place, message);
    return [];
  }
  if (names.length > 1)
    tell('note', place, `Of ${said} ifup takes the first that is a member of ${bond}: ${shown(first)}.`);
  return [optionOf({ name, value: first, place }, { tool: 'ifupdown' })];
}

/** Of two monitors, which the driver does not run together, the one that is set last is left. */
function oneMonitor({ bond, tell }: OptionsOf, given: GivenOption[]): GivenOption[] {
  const find = (name: string): GivenOption | undefined =>
    given.find(option => option.name === name && option.value !== '0');
  const mii = find('miimon');
  const arp = find('arp_interval');
  const tool = arp?.tool ?? mii?.tool ?? null;
  const last = tool === null ? null : HABITS[tool].lastMonitor;
  const settled = tool === 'ifupdown' && mii === undefined ? withoutDelays(given, tell) : given;
  if (mii === undefined || arp === undefined || last === null || find('link_watch') !== undefined)
    return settled;
  // A mode without an ARP monitor refuses it, and miimon stays.
  const mode = find('mode')?.value;
  const modes = findOption('arp_interval')?.modes;
  if (
    last === 'arp_interval' &&
    mode !== undefined &&
    Array.isArray(modes) &&
    !modes.some(each => each === mode)
  )
    return settled;
  const lost = last === 'miimon' ? ['arp_interval', 'arp_validate'] : ['miimon', 'updelay', 'downdelay'];
  const stays = last === 'miimon' ? mii : arp;
  return given.filter(option => {
    if (!lost.includes(option.name)) return true;
    const message = `${option.name}=${shown(option.value)} was left out: the driver runs one monitor, and ifup sets ${last}=${shown(stays.value)} last, which ends the other. ${bond} could have both with link_watch=any in bondwire.yaml.`;
    tell('warning', option.place, message);
    return false;
  });
}

/** ifenslave writes delays before the mode, which may bring a monitor of its own: the driver refuses them then. */
function withoutDelays(given: GivenOption[], tell: Tell): GivenOption[] {
  return given.filter(({ name, value, place }) => {
    if ((name !== 'updelay' && name !== 'downdelay') || value === '0') return true;
    const message = `${name}=${shown(value)} was refused: there is no miimon when ifup writes it; ${HABITS.ifupdown.how}, and it was left out.`;
    tell('warning', place, message);
    return false;
  });
}

function optionOf(
  { name, value, place }: { readonly name: string; readonly value: string; readonly place: Place },
  more: Partial<GivenOption> = {},
): GivenOption {
  const known = { name: findOption(name)?.name ?? name, value: canonicalValue(name, value), place };
  return { ...known, member: null, isDefault: false, tool: null, ...more };
}
