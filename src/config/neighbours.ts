// Hosts and networks that an interface reaches without a gateway, whatever its addresses: the other end of an address, and routes
// that name no gateway. Bondwire makes no such route, but routes by such a host are on_link. (config)
import { advice, shown } from '../base/index.js';
import type { FactList, Place } from './facts.js';

interface Neighbour {
  readonly device: string;
  readonly cidr: string;
}

/** `said` is how the file names the other end of an address. */
export function sayPeer(list: FactList, place: Place, { device, cidr }: Neighbour, said: string): void {
  list.say(place, { kind: 'neighbour', device, cidr });
  const message = `${shown(said)}: routes by it have on_link, and the one to itself is not carried over; ${howToAdd({ device, cidr })}.`;
  list.find(place, 'warning', message, device);
}

/** A route without a gateway. */
export function sayDirectRoute(list: FactList, place: Place, { device, cidr }: Neighbour): void {
  if (cidr !== 'default') list.say(place, { kind: 'neighbour', device, cidr });
  const message = `The route to ${shown(cidr)} has no gateway and is not carried over; ${howToAdd({ device, cidr })}.`;
  list.find(place, 'warning', message, device);
}

function howToAdd({ device, cidr }: Neighbour): string {
  return `add it by "${advice('ip route add {cidr} dev {bond}', { cidr, bond: device })}" after the bond is made`;
}
