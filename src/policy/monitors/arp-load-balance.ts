// One tick of the ARP monitor in balance-rr, balance-xor and broadcast: every member asks, and is used while both its own
// questions and any answer are recent (bond_loadbalance_arp_mon).
import { selectActive } from '../modes/active-change.js';
import { sendProbes } from './arp-probes.js';
import { isWithin } from './arp-times.js';
import { evaluateCarrier } from '../carrier.js';
import { type Context, isUp, type MemberState, tell } from '../state.js';
import { linkDecided, tellSenders } from '../modes/usable.js';

const MAX_COUNT = 0xffffffff;

/** Why a member is given up, as a clause. */
function silence({ state, now }: Context, member: MemberState): string {
  const { arpTargets, nsTargets, numbers } = state;
  const targets = [...arpTargets, ...nsTargets];
  if (targets.length === 0) return `${member.name} has no target to ask; set arp_ip_target`;
  if (!isWithin(now, member.arp.txMs, numbers.arp_missed_max, numbers.arp_interval))
    return `nothing could be asked through ${member.name}; see the routes to ${targets.join(', ')}`;
  const silentMs = Math.round(now - member.arp.rxMs);
  return `nothing came in on ${member.name} for ${silentMs} ms although ${targets.join(', ')} was asked`;
}

/** The link that the member should have by what it sent and heard; null: as it is. */
function inspect({ state, now }: Context, { link, arp }: MemberState): 'up' | 'down' | null {
  const { arp_interval: interval, arp_missed_max: missed } = state.numbers;
  const isLively = (count: number): boolean =>
    isWithin(now, arp.txMs, count, interval) && isWithin(now, arp.rxMs, count, interval);
  if (link !== 'up') return isLively(1) ? 'up' : null;
  return isLively(missed) ? null : 'down';
}

export function loadBalanceArpTick(context: Context): void {
  const { state } = context;
  const before = state.active;
  let change: string | null = null;
  let select = false;
  for (const member of state.members) {
    const link = inspect(context, member);
    if (link === 'up') {
      member.link = 'up';
      change ??= `${member.name} is up`;
      select ||= before === null;
      const message = `${member.name} is up: it hears the network again`;
      tell(context, 'info', 'recovered', message, { member: member.name });
    } else if (link === 'down') {
      const why = silence(context, member);
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
