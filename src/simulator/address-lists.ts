// The addresses that a simulated bond lets in besides its own, and the members that carry them: the part of the daemon's
// address filters. (simulator)
import type { MacText } from '../base/index.js';
import { SLOW_PROTOCOLS_MAC, solicitedNode } from '../frames/index.js';
import type { ForwardingPlan } from '../policy/index.js';
import { isGroup } from './frame.js';
import { splitCidr } from './ip-stack.js';

export class AddressLists {
  /** Says which interfaces carry them now. */
  plan: Pick<ForwardingPlan, 'members' | 'mode'> | null = null;
  readonly #listened = new Set<string>();

  listen(mac: MacText, wanted: boolean): void {
    if (wanted) this.#listened.add(mac);
    else this.#listened.delete(mac);
  }

  /** True when the address is in the member's list; `own` are the bond's addresses. */
  hears(member: number, mac: string, own: readonly string[]): boolean {
    if (mac === SLOW_PROTOCOLS_MAC && this.plan?.mode === '802.3ad')
      return this.plan.members.some(each => each.member === member);
    const planned = this.plan?.members.find(each => each.member === member);
    if ((isGroup(mac) ? planned?.carriesGroups : planned?.carriesFilters) !== true) return false;
    return this.#listened.has(mac) || own.some(each => solicitedNode(splitCidr(each).address)?.mac === mac);
  }
}
