// balance-alb: what follows for the bond from its table of clients: who is told what, when, and through which member
// (rlb_* and bond_alb_* of bond_alb.c).
import { nextTick } from '../../base/index.js';
import type { MemberIndex, TimeMs } from '../contract.js';
import { arpSeen, clientFrame } from '../alb/alb-frames.js';
import { ALB_TICK_MS, albTick, clientsToTell, DELAY_TICKS, idleTicks, passIdle } from '../alb/alb-ticks.js';
import {
  type AlbClient,
  type AlbState,
  arpHeard,
  askedBroadcast,
  chooseMember,
  isNews,
  moveClientsOf,
  newAlbState,
  tellClientsOf,
} from '../alb/clients.js';
import { teachThrough } from '../addresses/teaching.js';
import { memberOf } from '../monitors/watched.js';
import { activeMember, type BondState, type Context, type MemberState } from '../state.js';
import { giveForwardingPlan } from './forwarding.js';
import { isReceiveBalancing } from './modes.js';
import { ableReceivers, givesOutMembers } from './receivers.js';
import { canTransmit } from './usable.js';

/** The table with the ticks until now counted; null in other modes. */
function begin({ state, now }: Context): AlbState | null {
  if (!isReceiveBalancing(state)) return null;
  const alb = (state.alb ??= newAlbState());
  const { timers } = state;
  if (timers.alb === null || alb.idleTicks === 0) return alb;
  const left = Math.min(alb.idleTicks, Math.max(0, Math.floor((timers.alb - now) / ALB_TICK_MS)));
  passIdle(alb, alb.idleTicks - left);
  timers.alb -= left * ALB_TICK_MS;
  alb.idleTicks = 0;
  return alb;
}

/** An option was set: the next tick goes by it. */
export function receiversAwake(context: Context): void {
  begin(context);
}

/** RLB_ARP_BURST_SIZE. */
const BURST = 2;

/** Tells a client its member's address, through that member. */
function tellClient({ state, out }: Context, client: AlbClient): void {
  const member = memberOf(state, client.member);
  const frame = member === null ? null : clientFrame(client, member.address);
  if (member === null || frame?.ok !== true) return;
  for (let nth = 0; nth < BURST; nth++)
    out.push({ kind: 'send-through', member: member.member, frame: frame.value, what: 'arp' });
}

/** The bond was set up or down: the table begins anew (bond_alb_initialize, bond_alb_deinitialize). */
export function receiversOpened(context: Context, up: boolean): void {
  const alb = begin(context);
  context.state.timers.alb = alb !== null && up ? context.now : null;
  if (alb !== null) [alb.clients, alb.isUrgent, alb.idleTicks] = [[], false, 0];
}

/** The timer is due; it is set again (bond_alb_monitor). */
export function receiversTick(context: Context, dueMs: TimeMs): void {
  const { state, now } = context;
  const alb = state.alb;
  if (alb === null || !isReceiveBalancing(state)) return;
  const { lp_interval } = state.numbers;
  passIdle(alb, alb.idleTicks);
  if (state.members.length === 0) alb.learnTicks = 0;
  else {
    const { learns, told } = albTick(alb, lp_interval, ableReceivers(state));
    if (learns) for (const member of ableReceivers(state)) teachThrough(context, member, { isStrict: true });
    giveForwardingPlan(context);
    for (const client of told) tellClient(context, client);
  }
  alb.idleTicks = idleTicks(alb, lp_interval);
  state.timers.alb = nextTick(dueMs, (alb.idleTicks + 1) * ALB_TICK_MS, now);
}

/** True for ARP that a member heard and that changes nothing: most of it, on a busy network. */
export function hearsNothingNew(state: BondState, member: MemberIndex | null, frame: Uint8Array): boolean {
  if (!isReceiveBalancing(state) || !state.adminUp || state.alb === null) return member !== null;
  if (member === null) return false;
  const arp = arpSeen(frame);
  return arp === null || !isNews(state.alb, arp);
}

/** The host sent ARP through the bond (rlb_arp_xmit), or a member heard it. */
export function receiversArp(context: Context, from: MemberIndex | null, frame: Uint8Array): void {
  const { state } = context;
  const arp = arpSeen(frame);
  if (arp === null || !state.adminUp || !isReceiveBalancing(state)) return;
  if (from !== null) {
    const alb = begin(context);
    if (alb !== null) arpHeard(alb, arp);
    return;
  }
  // What others send by way of the bond is theirs.
  if (!state.members.some(({ address }) => address === arp.senderMac) || !givesOutMembers(state)) return;
  const alb = begin(context);
  if (alb === null) return;
  const moved = chooseMember(alb, arp, ableReceivers(state), state.active);
  if (moved !== null) tellClient(context, moved);
  if (arp.isReply) return;
  alb.delayTicks = DELAY_TICKS;
  askedBroadcast(alb, arp.senderIp, member => memberOf(state, member)?.address === state.address);
}

/** A member came, or its link is up: all clients are dealt out anew at the next tick. */
export function receiversMore(context: Context): void {
  const alb = begin(context);
  if (alb !== null) alb.mustDeal = true;
}

/** A member cannot send any more, or has left: its clients go to others, and the active one takes its frames (rlb_clear_slave). */
export function receiversLess(context: Context, lost: MemberState, hasLeft = false): void {
  const { state } = context;
  const alb = begin(context);
  if (alb === null) return;
  if (hasLeft) alb.lastGiven = null;
  moveClientsOf(alb, lost.member, ableReceivers(state));
  alb.isUrgent = true;
  if (lost.member !== state.active) takeOver(context, alb, lost);
}

/** The active member takes in everything for ten seconds, and the switch learns that the address is there (rlb_teach_disabled_mac_on_primary). */
function takeOver(context: Context, alb: AlbState, disabled: MemberState): void {
  const active = activeMember(context.state);
  if (active === null) return;
  alb.promiscuousTicks = 0;
  teachThrough(context, active, { address: disabled.address, isStrict: true });
}

/** Another one becomes the active member, or none: it takes in everything no more. */
export function receiversActiveChanges(context: Context, old: MemberState | null): void {
  const alb = begin(context);
  if (alb !== null && old !== null) alb.promiscuousTicks = null;
}

/** Two members have each other's address now: switch and clients are told (alb_fasten_mac_swap). */
export function receiversSwapped(context: Context, one: MemberState, other: MemberState): void {
  const alb = begin(context);
  if (alb === null) return;
  for (const member of [one, other]) if (canTransmit(member)) tellOfAddress(context, alb, member);
  if (canTransmit(one) === canTransmit(other)) return;
  takeOver(context, alb, canTransmit(one) ? other : one);
}

/** A member has another address: switch and clients are told. */
export function receiversReaddressed(context: Context, member: MemberState): void {
  const alb = begin(context);
  if (alb !== null) tellOfAddress(context, alb, member);
}

function tellOfAddress(context: Context, alb: AlbState, member: MemberState): void {
  teachThrough(context, member);
  tellClientsOf(alb, member.member);
  alb.isUrgent = true;
}

/** What stands on the bond changed: clients of VLANs that are gone are forgotten (rlb_clear_vlan). */
export function receiversStack(context: Context): void {
  const { state } = context;
  const { alb } = state;
  if (alb === null) return;
  const ids = new Set(state.stack.map(({ taught }) => (taught?.tag?.tci ?? 0) & VLAN_ID));
  const kept = alb.clients.filter(({ tci }) => (tci & VLAN_ID) === 0 || ids.has(tci & VLAN_ID));
  if (!givesOutMembers(state)) alb.clients = [];
  else if (kept.length < alb.clients.length) alb.clients = kept;
}

const VLAN_ID = 0xfff;

/**
 * At the end of an input: clients whose member was lost are told at once, where the bond may be quicker than the driver; that has them
 * wait for two seconds, which are to outlast ARP requests of ours.
 */
export function receiversSettle(context: Context): void {
  const { alb, numbers } = context.state;
  if (alb?.isUrgent !== true) return;
  alb.isUrgent = false;
  if (numbers.inline_failover === 0 || !alb.mustTell) return;
  giveForwardingPlan(context);
  for (const client of clientsToTell(alb)) tellClient(context, client);
  if (alb.retries > 0) alb.retries--;
  else alb.mustTell = false;
}
