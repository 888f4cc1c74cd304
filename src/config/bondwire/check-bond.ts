// What is wrong with one bond of `bondwire.yaml`: options by the policy's own engine, names and addresses by Linux's rules. (config)
import {
  badBondName,
  badInterfaceName,
  MOST_ALTERNATIVE_BYTES,
  nearestName,
  shown,
} from '../../base/index.js';
import { checkOptions, type OptionText } from '../../policy/index.js';
import { addressText, cidrText, destinationText, macText } from '../addresses.js';
import type { Finding, Level, Place } from '../facts.js';
import { badAddress, badRoute, LEAST_IPV6_MTU, otherWay, wrongWay } from '../network-rules.js';
import { meantOption } from '../option-guesses.js';
import type { BondWish } from '../wishes.js';

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

/** What is against a name of a bond that is to be made; a daemon finds by itself that lo exists. */
export function badNewBond(name: string): string | null {
  return name === 'lo' ? 'it is the loopback interface' : badBondName(name);
}

/** Everything that is wrong, and what the engine warns of; places are those of keys below the bond. */
export function checkBond(wish: BondWish, placeOf: (...keys: readonly string[]) => Place): Finding[] {
  const findings: Finding[] = [];
  const find = (level: Level, place: Place, message: string): void => {
    findings.push({ level, place, message });
  };
  const bond = shown(wish.name);
  const badName = badNewBond(wish.name);
  if (badName !== null) find('error', placeOf(), `"${bond}" cannot name a bond: ${badName}.`);
  const seen = new Set<string>();
  for (const [at, { name }] of wish.members.entries()) {
    // An alternative name may be longer than a name.
    const bad = badInterfaceName(name, MOST_ALTERNATIVE_BYTES);
    const place = placeOf('members', String(at));
    if (bad !== null) find('error', place, `"${shown(name)}" cannot be the name of an interface: ${bad}.`);
    else if (name === wish.name) find('error', place, `${bond} cannot be a member of itself.`);
    else if (name === 'lo') find('error', place, 'lo is the loopback interface, which can be no member.');
    else if (seen.has(name)) find('error', place, `${shown(name)} is named twice; name each member once.`);
    seen.add(name);
    const several = name.split(',');
    if (several.length > 1) {
      const message = `${shown(name)} is one name with a comma in it; several members are written as [${several.map(each => shown(each)).join(', ')}].`;
      find('warning', place, message);
    }
  }
  for (const [at, text] of wish.addresses.entries()) {
    const cidr = cidrText(text);
    const place = placeOf('addresses', String(at));
    const bad = cidr === null ? null : badAddress(cidr);
    if (cidr === null) {
      const message = `${shown(text)} is no address with a prefix length; write it as 192.0.2.1/24.`;
      find('error', place, message);
    } else if (bad !== null) find('error', place, `${bond} cannot have the address ${shown(text)}: ${bad}.`);
  }
  const routes = wish.routes.map(({ to, via, onLink = false }) => ({
    to: destinationText(to) ?? to,
    via: addressText(via) ?? via,
    onLink,
  }));
  const addresses = wish.addresses.flatMap(text => cidrText(text) ?? []);
  for (const [at, { to, via }] of wish.routes.entries()) {
    const place = placeOf('routes', String(at));
    const route = routes[at];
    if (destinationText(to) === null || addressText(via) === null || route === undefined) {
      const hint =
        nearestName(to, ['default']) === undefined || to === 'default' ? '' : ' Did you mean default?';
      const message = `A route needs "to" (a network or default) and "via" (an address), not ${shown(to)} and ${shown(via)}.${hint}`;
      find('error', place, message);
      continue;
    }
    const bad = badRoute(route);
    const other = otherWay(routes, at);
    const wrong = wrongWay(route, addresses);
    if (bad !== null) find('error', place, bad);
    else if (wrong?.level === 'error') find('error', place, wrong.message);
    else if (other !== null) {
      const message = `The route to ${shown(to)} by ${shown(via)} is the second to it: there is one by ${other.via}; leave one of them out.`;
      find('error', place, message);
    } else if (wrong !== null) find('warning', place, wrong.message);
  }
  if (wish.mtu !== null && mtuOf(String(wish.mtu)) === null) {
    find('error', placeOf('mtu'), `mtu ${wish.mtu} is not ${LEAST_MTU} to ${MOST_MTU}.`);
  }
  const six = wish.addresses.find(text => text.includes(':'));
  if (wish.mtu !== null && wish.mtu >= LEAST_MTU && wish.mtu < LEAST_IPV6_MTU && six !== undefined) {
    const message = `mtu ${wish.mtu} is too small for the address ${shown(six)}: IPv6 needs ${LEAST_IPV6_MTU}.`;
    find('error', placeOf('mtu'), message);
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
  const meant = all.map(({ option: [name, value] }) => meantOption(name, value));
  for (const [at, { name, value, isGuess }] of meant.entries()) {
    const given = all[at];
    if (!isGuess || given === undefined) continue;
    const [problem] = checkOptions(wish.name, [given.option]).problems;
    const said =
      problem?.refusal.message ?? `${shown(given.option[0])}=${shown(given.option[1])} was refused.`;
    const hint = /did you mean/i.test(said) ? '' : ` Did you mean ${name}=${shown(value)}?`;
    find('error', given.place, `${said}${hint}`);
  }
  // The rest is looked at as it was meant, so that one slip is not told as ten.
  const checked = checkOptions(
    wish.name,
    meant.map(({ name, value }) => [name, value] as const),
    wish.members.map(({ name }) => name),
  );
  for (const { at, refusal } of checked.problems) {
    const place = at === null ? placeOf() : (all[at]?.place ?? placeOf());
    if (at === null || meant[at]?.isGuess !== true || refusal.code === 'wrong-mode')
      find('error', place, refusal.message);
  }
  for (const { message } of checked.warnings) find('warning', placeOf('options'), message);
  return findings;
}
