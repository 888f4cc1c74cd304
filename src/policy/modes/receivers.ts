// balance-alb: who can be given to clients, and what of their table the data plane is to know.
import type { ReceiversPlan } from '../forwarding-plan.js';
import { nextReceiver } from '../alb/clients.js';
import type { BondState, MemberState } from '../state.js';
import { isReceiveBalancing } from './modes.js';
import { canTransmit } from './usable.js';

/** Members that can send, in the order of joining. */
export function ableReceivers({ members }: Pick<BondState, 'members'>): readonly MemberState[] {
  return members.filter(canTransmit);
}

/**
 * False where the bond is a port of a bridge: the hosts behind that have addresses of their own, and the bridge's is to stay where it
 * is learned. (The driver looks at each ARP packet, whether its sender's IP address is a bridge's: rlb_arp_xmit.)
 */
export function givesOutMembers({ stack }: Pick<BondState, 'stack'>): boolean {
  return !stack.some(({ isBridge }) => isBridge === true);
}

/** The table as the data plane wants it; null in other modes. */
export function receiversPlan(state: BondState): ReceiversPlan | null {
  const { alb } = state;
  if (!isReceiveBalancing(state)) return null;
  const isGiven = alb !== null && state.adminUp && givesOutMembers(state);
  const next = isGiven ? nextReceiver(ableReceivers(state), alb.lastGiven) : null;
  const clients = isGiven ? alb.clients : [];
  return {
    bondAddress: state.address,
    next: next?.member ?? null,
    clients: clients.map(({ place, ourIp, ip, member }) => ({ place, ourIp, ip, member })),
    hearsAll: alb !== null && alb.promiscuousTicks !== null,
  };
}
