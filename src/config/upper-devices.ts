// What stands above bonds, or is to join one: VLANs, bridges and other devices that files make and Bondwire does not. (config)
import { shown } from '../base/index.js';
import type { Fact, Level, Place } from './facts.js';
import type { Membership } from './membership.js';

type DeviceFact = Fact & { readonly kind: 'device' };

interface Devices {
  readonly facts: readonly Fact[];
  readonly made: ReadonlyMap<string, Place>;
  readonly membership: Membership;
  readonly tell: (level: Level, place: Place, message: string) => void;
}

/** Tells of each such device what goes with it and what to do. */
export function tellOfDevicesAbove(devices: Devices): void {
  const { facts, made, membership, tell } = devices;
  const given = facts.flatMap(fact => (fact.kind === 'device' ? [fact] : joiningAbove(fact, made)));
  const above = storeys(given, made);
  const told = new Set<string>();
  for (const { device, what, over, keep, place } of given) {
    if (made.has(device)) continue;
    const bond = membership.bondOf(device);
    const under = over.filter(name => isOverBond(name, made, above));
    const cards = over.filter(name => membership.bondOf(name) !== null);
    if (bond !== null) {
      const how = over.length === 0 ? '' : ` over ${names(over)}`;
      const message = `${shown(device)}, a member of ${shown(bond)}, is a ${what}${how} that Bondwire does not make: ${orByHand(keep, 'before')}.`;
      tell('warning', place, message);
    } else if (under.length > 0) {
      const own = told.has(device) ? '' : belongings(facts, device);
      told.add(device);
      const message = `The ${what} ${shown(device)} over ${names(under)} is not made here${own}: ${orByHand(keep, 'after')}.`;
      tell('warning', place, message);
    } else if (cards.length > 0) {
      const message = `The ${what} ${shown(device)} stands over ${names(cards)}, a member of ${shown(membership.bondOf(cards[0] ?? '') ?? '')}; it is not made here: ${orByHand(keep, 'after')}.`;
      tell('warning', place, message);
    }
  }
}

/** What a file says of the device, or its like by hand. */
function orByHand(keep: string, when: 'after' | 'before'): string {
  return keep.startsWith('run ') ? keep : `${keep}; or make it by hand ${when} the bond`;
}

/** `ip link set bond0 master br0`, where br0 is no bond. */
export function joiningAbove(fact: Fact, made: ReadonlyMap<string, Place>): DeviceFact[] {
  if (fact.kind !== 'member' || fact.isOfAny !== true || made.has(fact.bond)) return [];
  if (fact.member.by !== 'name' || !made.has(fact.member.name)) return [];
  const keep = 'run this command after the bond is made';
  return [
    { kind: 'device', device: fact.bond, what: 'device', over: [fact.member.name], keep, place: fact.place },
  ];
}

/** All devices that stand over a bond, by whatever number of others. */
function storeys(given: readonly DeviceFact[], made: ReadonlyMap<string, Place>): ReadonlySet<string> {
  const above = new Set<string>();
  for (let grows = true; grows; ) {
    grows = false;
    for (const { device, over } of given) {
      if (above.has(device) || made.has(device)) continue;
      if (!over.some(name => name !== device && isOverBond(name, made, above))) continue;
      above.add(device);
      grows = true;
    }
  }
  return above;
}

/** A bond, what stands over one, or a VLAN of either that nothing describes: ifupdown makes bond0.30 when a bridge has it as port. */
function isOverBond(name: string, made: ReadonlyMap<string, Place>, above: ReadonlySet<string>): boolean {
  const lower = /^(.+)\.\d{1,4}$/.exec(name)?.[1] ?? name;
  return [name, lower].some(each => made.has(each) || above.has(each));
}

function names(list: readonly string[]): string {
  return list.map(name => shown(name)).join(', ');
}

/** Addresses and routes of a device, as the middle of a sentence. */
function belongings(facts: readonly Fact[], device: string): string {
  const addresses = new Set<string>();
  const routes = new Set<string>();
  let asks = '';
  for (const fact of facts) {
    if (fact.kind === 'address' && fact.device === device) addresses.add(fact.cidr);
    if (fact.kind === 'route' && fact.device === device) routes.add(`the route to ${fact.to} by ${fact.via}`);
    if (fact.kind === 'dhcp' && fact.device === device) asks = `what it asks for (${fact.how})`;
  }
  const all = [...addresses, ...routes, ...(asks === '' ? [] : [asks])].map(text => shown(text));
  return all.length === 0 ? '' : `, nor is what goes with it (${all.join(', ')})`;
}
