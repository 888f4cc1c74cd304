// The driver's list of usable members: who could send when the list was made, and when it is made (bond_update_slave_arr).
import { isOfAggregate } from '../lacp/lacp.js';
import { activeAggregator } from '../lacp/port.js';
import { isSilent } from '../lacp/silence-state.js';
import type { MemberIndex } from '../contract.js';
import { isActiveBackup, isAggregating, isLoadBalancing, MODE, usesHash, usesPrimary } from './modes.js';
import { type BondState, type Context, type MemberState } from '../state.js';
import { tell } from '../tell.js';
import { isUp } from '../monitors/watched.js';

/** bond_slave_can_tx. */
export function canTransmit(member: MemberState): boolean {
  return isUp(member) && member.link === 'up' && member.state === 'active';
}

/** bond_update_slave_arr. In 802.3ad those of the active aggregator; without one there is no list. */
export function rebuildUsable(state: BondState): void {
  const able = state.members.filter(canTransmit);
  if (!isAggregating(state)) state.usable = able.map(({ member }) => member);
  else if (state.lacp === null || activeAggregator(state.lacp) === null) state.usable = null;
  else
    state.usable = heeded(
      state,
      able.map(({ member }) => member).filter(member => isOfAggregate(state, member)),
    );
}

/** Without those whose partner is silent, unless all are. */
function heeded(state: BondState, members: MemberIndex[]): MemberIndex[] {
  const lively = members.filter(member => !isSilent(state, member));
  return lively.length > 0 ? lively : members;
}

/** After joining and leaving: in modes that hash, and in broadcast. */
export function membersChanged(state: BondState): void {
  if (usesHash(state) || state.numbers.mode === MODE.BROADCAST) rebuildUsable(state);
}

/** The kernel told of a member that came up, changed or went down (bond_slave_netdev_event), or the bond was opened. */
export function linkTold(state: BondState): void {
  if (usesHash(state)) rebuildUsable(state);
}

/** The monitor decided on a link (bond_miimon_link_change). */
export function linkDecided(state: BondState): void {
  const isStatic = isLoadBalancing(state) && state.numbers.tlb_dynamic_lb === 0;
  if (state.numbers.mode === MODE.XOR || isAggregating(state) || isStatic) rebuildUsable(state);
}

/**
 * The all-lost rule: the first link that comes back is used at once. Round-robin keeps no list and has no such rule; in
 * broadcast the list is that of the last joining or leaving (bond_miimon_inspect).
 */
export function isAllLost(state: BondState): boolean {
  if (isActiveBackup(state)) return state.active === null;
  return state.usable !== null && state.usable.length === 0;
}

/** Members that may carry frames now, in the order in which they joined; without regard to which of them is active. */
export function senders(state: BondState): readonly MemberState[] {
  if (usesHash(state) && !(isLoadBalancing(state) && state.numbers.tlb_dynamic_lb === 1)) {
    return state.members.filter(member => state.usable?.includes(member.member));
  }
  return state.members.filter(canTransmit);
}

/** Tells who sends, in modes where several do, when that is no longer what was told last. */
export function tellSenders(context: Context, reason: string): void {
  const { state } = context;
  if (usesPrimary(state)) return;
  const names = senders(state).map(member => member.name);
  const before = state.toldSenders.split(' ').filter(name => name !== '');
  const text = names.join(' ');
  if (text === state.toldSenders) return;
  state.toldSenders = text;
  if (names.length === 0) {
    const message = `${state.name} has no usable member left: ${reason}`;
    tell(context, state.members.length === 0 ? 'info' : 'error', 'lost', message, { reason });
    return;
  }
  const lost = before.some(name => !names.includes(name) && state.members.some(each => each.name === name));
  const message = `${state.name} sends through ${names.join(', ')}: ${reason}`;
  tell(context, lost ? 'warning' : 'info', 'failover', message, { reason });
}
