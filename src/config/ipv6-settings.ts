// Settings of IPv6 that other tools make by sysctl: Bondwire makes none, so what has to be set is told. (config)
import { shown } from '../base/index.js';
import type { FactList, Place } from './facts.js';

/** Tells that `what` of a bond needs `net.ipv6.conf.BOND.KEY=VALUE`. */
export function tellSysctl(
  list: FactList,
  place: Place,
  device: string,
  { what, key, value }: { readonly what: string; readonly key: string; readonly value: string },
): void {
  const setting = `net.ipv6.conf.${shown(device)}.${key}=${shown(value)}`;
  list.findOfBond(place, 'warning', `${what} is not carried over: set ${setting} by sysctl.`, device);
}
