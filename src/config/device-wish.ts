// What files say of the bond's own interface: addresses, routes, MTU, MAC address, and whether it is brought up. (config)
import { shown } from '../base/index.js';
import { interfaceMac, mtuOf } from './check-bond.js';
import type { Fact, Level, Place } from './facts.js';
import { badAddress, badRoute, LEAST_IPV6_MTU, networkText, otherWay } from './network-rules.js';
import type { BondWish, RouteWish } from './wishes.js';

/** Addresses, routes, MTU, MAC address and whether it is up, of a bond. */
export function deviceOf(
  facts: readonly Fact[],
  name: string,
  tell: (level: Level, place: Place, message: string) => void,
): Pick<BondWish, 'addresses' | 'routes' | 'mtu' | 'mac' | 'up'> {
  const addresses = new Set<string>();
  const routes: RouteWish[] = [];
  let mtu: number | null = null;
  let mtuPlace: Place | null = null;
  let mac: string | null = null;
  let up = true;
  const readAddress = (cidr: string, place: Place): void => {
    const bad = badAddress(cidr);
    if (bad !== null)
      return tell('error', place, `${name} cannot have the address ${cidr}: ${bad}; it was left out.`);
    addresses.add(cidr);
    tell('understood', place, `${name} has the address ${cidr}.`);
  };
  const readRoute = (said: RouteWish, place: Place): void => {
    const { via } = said;
    const to = networkText(said.to);
    if (to !== said.to)
      tell('warning', place, `${said.to} has bits behind the length of its network; ${to} was taken.`);
    const bad = badRoute({ to, via });
    if (bad !== null) return tell('error', place, `${bad.replace(/\.$/, '')}; it was left out.`);
    const other = otherWay([...routes, { to, via }], routes.length);
    if (other !== null)
      return tell(
        'warning',
        place,
        `A second way to ${to}, by ${via}, was left out: there is one by ${other.via}, and routes here have no metric.`,
      );
    if (!routes.some(each => each.to === to && each.via === via)) routes.push({ to, via });
    tell('understood', place, `${to} is reached over ${name} by ${via}.`);
  };
  for (const fact of facts) {
    if (!('device' in fact) || fact.device !== name || fact.kind === 'finding') continue;
    const { place } = fact;
    switch (fact.kind) {
      case 'address':
        readAddress(fact.cidr, place);
        break;
      case 'route':
        readRoute(fact, place);
        break;
      case 'mtu':
        mtu = mtuOf(fact.value);
        mtuPlace = place;
        if (mtu === null)
          tell(
            'error',
            place,
            `The MTU ${shown(fact.value)} of ${name} is not 68 to 65535; it was left out.`,
          );
        else tell('understood', place, `${name} has the MTU ${mtu}.`);
        break;
      case 'mac':
        mac = interfaceMac(fact.value);
        if (mac === null)
          tell(
            'warning',
            place,
            `${shown(fact.value)} is no MAC address that ${name} can have; it gets that of its first member.`,
          );
        else tell('understood', place, `${name} has the MAC address ${mac}.`);
        break;
      case 'dhcp':
        // Told with what is said of members.
        break;
      case 'up':
        ({ up } = fact);
        tell('understood', place, `${name} is ${up ? '' : 'not '}brought up.`);
        break;
    }
  }
  const six = Array.from(addresses).find(cidr => cidr.includes(':'));
  if (mtuPlace !== null && mtu !== null && mtu < LEAST_IPV6_MTU && six !== undefined) {
    tell(
      'error',
      mtuPlace,
      `The MTU ${mtu} of ${name} is too small for the address ${six}; it was left out.`,
    );
    mtu = null;
  }
  return { addresses: Array.from(addresses), routes, mtu, mac, up };
}
