// What counts as an answer to the ARP monitor: plain reception, or frames that name a target and us (bond_rcv_validate).
import { isFiltered, isValidated, isWithin, lastHeard } from './arp-times.js';
import { solicitedNode } from '../../frames/index.js';
import type { Heard, HeardAnswer, MemberIndex, StackedDevice } from '../contract.js';
import { memberOf, type Watched, type Watching } from './watched.js';

/** Who asks now, and the addresses by which answers name us. */
export interface Hearing extends Watching {
  readonly active: MemberIndex | null;
  /** Without an active member, the one whose turn it is to ask. */
  readonly probing: MemberIndex | null;
  readonly stack: readonly Pick<StackedDevice, 'ipv4' | 'ipv6'>[];
}

/** Reception on members that are not validated: when anything, and when an ARP or IPv6 frame, last came in. */
export function hear(state: Watching, heard: readonly Heard[]): void {
  const { arp_validate: validate } = state.numbers;
  for (const { member: index, anyMs, probeLikeMs } of heard) {
    const member = memberOf(state, index);
    if (member === null || isValidated(validate, member.state)) continue;
    const at = isFiltered(validate) ? probeLikeMs : anyMs;
    if (at !== null) member.arp.rxMs = Math.max(member.arp.rxMs, at);
  }
}

/** bond_has_this_ip: an address of the bond or of a device on top of it. */
function isOurs(state: Hearing, ip: string): boolean {
  return state.stack.some(device => device.ipv4.includes(ip) || device.ipv6.includes(ip));
}

/** bond_get_targets_ip6: a target, or the group that questions for it go to, which is where a backup hears ours. */
function nsSlot(targets: readonly string[], from: string): number {
  if (!from.startsWith('ff02::1:ff')) return targets.indexOf(from);
  return targets.findIndex(target => solicitedNode(target)?.group === from);
}

/** bond_validate_arp, bond_validate_na: `from` must be a target and `to` ours (or all nodes, for IPv6). */
function take(state: Hearing, member: Watched, answer: HeardAnswer, from: string, to: string): void {
  const isArp = answer.protocol === 'arp';
  if (!isOurs(state, to) && (isArp || to !== 'ff02::1')) return;
  const slot = isArp ? state.arpTargets.indexOf(from) : nsSlot(state.nsTargets, from);
  if (slot < 0) return;
  member.arp.rxMs = Math.max(member.arp.rxMs, answer.atMs);
  member.arp.targetRxMs[slot] = Math.max(member.arp.targetRxMs[slot] ?? answer.atMs, answer.atMs);
}

/**
 * An ARP packet, neighbour solicitation or advertisement on a validated member. A backup hears our own request, as the
 * switch floods it, so there the addresses are swapped; that counts only while the active member's own answers come in.
 */
export function hearAnswer(state: Hearing, answer: HeardAnswer): void {
  const member = memberOf(state, answer.member);
  if (member === null || !isValidated(state.numbers.arp_validate, member.state)) return;
  const { arp_interval: interval, arp_all_targets: all } = state.numbers;
  const active = memberOf(state, state.active);
  const prober = memberOf(state, state.probing);
  const { sender, target } = answer;
  if (member.state === 'active') take(state, member, answer, sender, target);
  else if (active !== null && lastHeard(active.arp, all, state.arpTargets.length) > active.arp.linkUpMs) {
    take(state, member, answer, target, sender);
  } else if (prober !== null && answer.isReply && isWithin(answer.atMs, prober.arp.txMs, 1, interval)) {
    take(state, member, answer, sender, target);
  }
}
