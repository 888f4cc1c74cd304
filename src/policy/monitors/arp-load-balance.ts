// One tick of the ARP monitor in balance-rr, balance-xor and broadcast: every member asks, and is used while both its own
// questions and any answer are recent (bond_loadbalance_arp_mon).
import { selectActive } from '../modes/active-change.js';
import { sendProbes } from './arp-probes.js';
import { askerLoss, inspectAsker } from './arp-inspection.js';
import { evaluateCarrier } from '../carrier.js';
import type { Context } from '../state.js';
import { tell } from '../tell.js';
import { isUp } from './watched.js';
import { linkDecided, tellSenders } from '../modes/usable.js';

const MAX_COUNT = 0xffffffff;

export function loadBalanceArpTick(context: Context): void {
  const { state } = context;
  const before = state.active;
  let change: string | null = null;
  let select = false;
  for (const member of state.members) {
    const link = inspectAsker(context, member);
    if (link === 'up') {
      member.link = 'up';
      change ??= `${member.name} is up`;
      select ||= before === null;
      const message = `${member.name} is up: it hears the network again`;
      tell(context, 'info', 'recovered', message, { member: member.name });
    } else if (link === 'down') {
      const why = askerLoss(context, member);
      member.link = 'down';
      member.linkFailureCount = Math.min(MAX_COUNT, member.linkFailureCount + 1);
      change = why;
      select ||= member.member === before;
      const message = `${member.name} is down and out of use (failure ${member.linkFailureCount}): ${why}`;
      tell(context, 'warning', 'link', message, { member: member.name });
    }
    // All links must ask, or those of a switch that takes turns would have no answer.
    if (isUp(member)) sendProbes(context, member);
  }
  if (change === null) return;
  linkDecided(state);
  if (select) selectActive(context, change);
  tellSenders(context, change);
  evaluateCarrier(context);
}
