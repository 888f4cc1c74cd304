// What is wrong with one bond of `bondwire.yaml`: options by the policy's own engine, names and addresses by Linux's rules. (config)
import { badInterfaceName, shown } from '../base/index.js';
import { checkOptions, type OptionText } from '../policy/index.js';
import { addressText, cidrText, destinationText, macText } from './addresses.js';
import type { Finding, Level, Place } from './facts.js';
import type { BondWish } from './wishes.js';

const LEAST_MTU = 68;
const MOST_MTU = 65535;

/** The MTU that a text gives, or null. */
export function mtuOf(text: string): number | null {
  const value = /^[0-9]{1,9}$/.test(text.trim()) ? Number(text) : 0;
  return value >= LEAST_MTU && value <= MOST_MTU ? value : null;
}

/** A MAC address that an interface can have: no group, not all zero. */
export function interfaceMac(text: string): string | null {
  const mac = macText(text);
  if (mac === null || mac === '00:00:00:00:00:00') return null;
  return Number.parseInt(mac.slice(1, 2), 16) % 2 === 1 ? null : mac;
}

/** Options of the members in the engine's own form, `INTERFACE:N`. */
export function memberOptionTexts(
  wish: Pick<BondWish, 'members'>,
): { readonly at: number; readonly name: string; readonly option: OptionText }[] {
  return wish.members.flatMap(({ name, options }, at) =>
    Object.entries(options).map(([option, value]) => ({
      at,
      name: option,
      option: [option, `${name}:${value}`] as const,
    })),
  );
}

/** Everything that is wrong, and what the engine warns of; places are those of keys below the bond. */
export function checkBond(wish: BondWish, placeOf: (...keys: readonly string[]) => Place): Finding[] {
  const findings: Finding[] = [];
  const find = (level: Level, place: Place, message: string): void => {
    findings.push({ level, place, message });
  };
  const bond = shown(wish.name);
  const badName = badInterfaceName(wish.name);
  if (badName !== null) find('error', placeOf(), `"${bond}" cannot name a bond: ${badName}.`);
  const seen = new Set<string>();
  for (const [at, { name }] of wish.members.entries()) {
    const bad = badInterfaceName(name);
    const place = placeOf('members', String(at));
    if (bad !== null) find('error', place, `"${shown(name)}" cannot be the name of an interface: ${bad}.`);
    else if (name === wish.name) find('error', place, `${bond} cannot be a member of itself.`);
    else if (seen.has(name)) find('error', place, `${shown(name)} is named twice; name each member once.`);
    seen.add(name);
  }
  for (const [at, text] of wish.addresses.entries()) {
    if (cidrText(text) !== null) continue;
    find(
      'error',
      placeOf('addresses', String(at)),
      `${shown(text)} is no address with a prefix length; write it as 192.0.2.1/24.`,
    );
  }
  for (const [at, { to, via }] of wish.routes.entries()) {
    if (destinationText(to) !== null && addressText(via) !== null) continue;
    find(
      'error',
      placeOf('routes', String(at)),
      `A route needs "to" (a network or default) and "via" (an address), not ${shown(to)} and ${shown(via)}.`,
    );
  }
  if (wish.mtu !== null && mtuOf(String(wish.mtu)) === null) {
    find('error', placeOf('mtu'), `mtu ${wish.mtu} is not ${LEAST_MTU} to ${MOST_MTU}.`);
  }
  if (wish.mac !== null && interfaceMac(wish.mac) === null) {
    find(
      'error',
      placeOf('mac'),
      `${shown(wish.mac)} is no MAC address that an interface can have; write it as 02:00:00:00:00:01.`,
    );
  }
  const ofBond = Object.entries(wish.options).map(([name, value]) => ({
    option: [name, value] as const,
    place: placeOf('options', name),
  }));
  const ofMembers = memberOptionTexts(wish).map(({ at, name, option }) => ({
    option,
    place: placeOf('members', String(at), name),
  }));
  const all = [...ofBond, ...ofMembers];
  const checked = checkOptions(
    wish.name,
    all.map(({ option }) => option),
    wish.members.map(({ name }) => name),
  );
  for (const { at, refusal } of checked.problems) {
    const place = at === null ? placeOf() : (all[at]?.place ?? placeOf());
    find('error', place, refusal.message);
  }
  for (const message of checked.warnings) find('warning', placeOf('options'), message);
  return findings;
}
