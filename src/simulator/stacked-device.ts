// A simulated bond as a device with addresses, as the policy is told of it. (simulator)
import type { MacText } from '../base/index.js';
import type { StackedDevice } from '../policy/index.js';
import { splitCidr } from './ip-stack.js';

export function stackedDevice(bond: {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: MacText;
  readonly adminUp: boolean;
  readonly addresses: readonly string[];
}): StackedDevice {
  const own = bond.addresses.map(each => splitCidr(each).address);
  return {
    ifindex: bond.ifindex,
    name: bond.name,
    address: bond.mac,
    adminUp: bond.adminUp,
    ipv4: own.filter(each => !each.includes(':')),
    ipv6: own.filter(each => each.includes(':')),
    forwarding: false,
    ipv4Groups: [],
    igmpVersion: 3,
    ipv6Groups: [],
    mldVersion: 2,
  };
}
