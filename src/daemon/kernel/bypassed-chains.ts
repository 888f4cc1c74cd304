// Chains of nftables on members that do not see the frames of their bond, whose data plane takes them before they come by, and sends
// them past: TCX, clsact filters and packet sockets come before ingress chains; what is redirected or sent past the qdisc misses egress.
import type { DeviceChain } from '../../netlink/index.js';

/** A clause for each chain that is bypassed on one of these members of a bond. */
export function bypassedChains(
  chains: readonly DeviceChain[],
  bond: string,
  members: readonly string[],
): string[] {
  return chains.flatMap(({ table, chain, hook, devices }) =>
    members
      .filter(member => devices.some(device => isNamed(member, device)))
      .map(
        member =>
          `the nftables chain ${chain} of table ${table} at the ${hook} of member ${member} does not see the frames of ${bond}`,
      ),
  );
}

/** A device by its name, or by a shape that ends with a star. */
function isNamed(name: string, device: string): boolean {
  return device.endsWith('*') ? name.startsWith(device.slice(0, -1)) : name === device;
}
