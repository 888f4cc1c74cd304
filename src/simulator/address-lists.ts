// The addresses that a simulated bond lets in besides its own, and the members that carry them: the part of the daemon's
// address filters. (simulator)
import { type MacText, parseIpv6 } from '../base/index.js';
import type { ForwardingPlan } from '../policy/index.js';
import { isGroup } from './frame.js';
import { splitCidr } from './ip-stack.js';

export class AddressLists {
  /** Says which interfaces carry them now. */
  plan: Pick<ForwardingPlan, 'filterMembers' | 'multicastMembers'> | null = null;
  readonly #listened = new Set<string>();

  listen(mac: MacText, wanted: boolean): void {
    if (wanted) this.#listened.add(mac);
    else this.#listened.delete(mac);
  }

  /** True when the address is in the member's list; `own` are the bond's addresses. */
  hears(member: number, mac: string, own: readonly string[]): boolean {
    const carriers = isGroup(mac) ? this.plan?.multicastMembers : this.plan?.filterMembers;
    if (carriers?.includes(member) !== true) return false;
    return this.#listened.has(mac) || own.some(each => solicitedNodeMac(each) === mac);
  }
}

/** The group that a host of this IPv6 address listens to for questions after it (RFC 4291 2.7.1); null for IPv4. */
function solicitedNodeMac(cidr: string): string | null {
  const parsed = parseIpv6(splitCidr(cidr).address);
  if (!parsed.ok) return null;
  const end = Array.from(parsed.value.subarray(13), byte => byte.toString(16).padStart(2, '0'));
  return `33:33:ff:${end.join(':')}`;
}
