// 802.3ad: what follows for the bond from what LACP found out: who sends, the carrier, what is told.
import { nextTick } from '../../base/index.js';
import type { Heard, MemberIndex, TimeMs } from '../contract.js';
import { evaluateCarrier } from '../carrier.js';
import { explain } from '../lacp/explain.js';
import {
  lacpActorChanged,
  lacpAddressChanged,
  lacpAwake,
  lacpDoubts,
  lacpFallbackChanged,
  lacpFlagsChanged,
  lacpHear,
  lacpJoin,
  lacpLeave,
  lacpLinkChanged,
  lacpOpened,
  lacpSpeedTold,
  lacpTick,
} from '../lacp/lacp.js';
import { type Kept, lacpKept } from '../lacp/lease.js';
import { lastHello } from '../lacp/hello.js';
import { NO_SYSTEM, portOf } from '../lacp/port.js';
import { silenceHeard, silenceSlowFrame, silenceTick } from '../lacp/silence.js';
import { lookMs, type SilenceRun, watchOf } from '../lacp/silence-state.js';
import { memberOf } from '../monitors/watched.js';
import type { BondState, Context, MemberState } from '../state.js';
import { tell } from '../tell.js';
import { giveForwardingPlan } from './forwarding.js';
import { isAggregating } from './modes.js';
import { rebuildUsable, senders, tellSenders } from './usable.js';

/** Ports whose state is told, when that is another than was told last. */
function tellPorts(context: Context): void {
  const { state } = context;
  for (const port of state.lacp?.ports ?? []) {
    const found = explain(state, port);
    if ((found?.code ?? null) === port.told) continue;
    const name = memberOf(state, port.member)?.name ?? '';
    if (found !== null) tell(context, 'warning', 'link', sentence(found.text), { member: name });
    else if (port.receive === 'current') {
      const { system, port: number } = port.partner;
      tell(context, 'info', 'link', `${name} speaks LACP with port ${number} of ${system}`, { member: name });
    }
    port.told = found?.code ?? null;
  }
}

/** A name stays as it is. */
function sentence(clause: string): string {
  return clause.replace(/^the /, 'The ');
}

/** Why others send than before. */
function reasonOf({ state }: Context, before: readonly MemberState[]): string {
  const now = senders(state);
  const gone = before.find(member => !now.includes(member) && state.members.includes(member));
  const port = state.lacp?.ports.find(({ member }) => member === gone?.member);
  const found = port === undefined ? null : explain(state, port);
  if (found !== null) return found.text;
  if (gone !== undefined) return `${gone.name} and its partner are not in sync now`;
  const added = now.find(member => !before.includes(member));
  const joined = state.lacp?.ports.find(({ member }) => member === added?.member);
  if (added === undefined || joined === undefined) return 'LACP chose anew';
  if (joined.partner.system === NO_SYSTEM) return `${added.name} carries without LACP, as nobody answers`;
  return `${added.name} is in the aggregate with ${joined.partner.system}`;
}

/** Who sends and who is heard, to be compared. */
function carriage({ members, usable }: BondState): string {
  return JSON.stringify([usable, members.map(({ inactive }) => inactive)]);
}

/** A tick, and what follows from it. */
export function aggregationTick(context: Context, dueMs: TimeMs): void {
  if (isAggregating(context.state)) follow(context, () => lacpTick(context, dueMs));
}

/** Something happens to LACP, and what follows from it. */
function follow(context: Context, happens: () => void): void {
  const { state } = context;
  const [before, was] = [senders(state), carriage(state)];
  happens();
  rebuildUsable(state);
  tellPorts(context);
  tellSenders(context, reasonOf(context, before));
  evaluateCarrier(context);
  // Who is heard may change without a word.
  if (carriage(state) !== was) giveForwardingPlan(context);
}

/** An option was set: the next tick looks at everything. */
export function aggregationAwake(context: Context): void {
  if (isAggregating(context.state)) lacpAwake(context);
}

export function aggregationHears(context: Context, member: MemberIndex, frame: Uint8Array): void {
  if (!isAggregating(context.state)) return;
  const heard = lacpHear(context, member, frame);
  const run = silenceRun(context);
  const port = run === null ? undefined : portOf(run.lacp, member);
  if (heard === null || run === null || port === undefined) return;
  heedingSilence(context, () => silenceSlowFrame(run, port, heard));
}

/** Ports may be silent that were not, or the other way round: what follows from it is done. */
function heedingSilence(context: Context, look: () => void): void {
  const { state } = context;
  const silent = (): string =>
    JSON.stringify(state.members.map(({ member }) => watchOf(state, member)?.silent));
  const [before, were] = [senders(state), silent()];
  look();
  if (silent() === were) return;
  rebuildUsable(state);
  tellPorts(context);
  tellSenders(context, reasonOf(context, before));
}

/** When members last received. */
export function aggregationHeard(context: Context, heard: readonly Heard[]): void {
  const run = silenceRun(context);
  if (run !== null) silenceHeard(run, heard);
}

/** lacp_fast_silence: a look at the silence of ports. */
export function silenceLook(context: Context, dueMs: TimeMs): void {
  const { state, now } = context;
  const run = silenceRun(context);
  if (run === null) return;
  state.timers.silence = nextTick(dueMs, lookMs(state), now);
  heedingSilence(context, () => silenceTick(run, now - dueMs));
}

function silenceRun({ state, out, now }: Context): SilenceRun | null {
  const { lacp, silence } = state;
  return lacp === null || silence === null ? null : { bond: state, lacp, silence, out, now };
}

/** Watching begins or ends, by the option, the ports there are, and whether the bond is up. */
export function followSilence(context: Context): void {
  const { state, now } = context;
  const { numbers, timers, lacp, adminUp } = state;
  if (isAggregating(state) && adminUp && lacp !== null && numbers.lacp_fast_silence > 0) {
    state.silence ??= { transaction: 0, sequence: 0, roundMs: now, ports: [] };
    timers.silence ??= now;
    return;
  }
  timers.silence = null;
  if (state.silence === null) return;
  const run = silenceRun(context);
  heedingSilence(context, () => {
    for (const { member } of run?.lacp.ports ?? []) if (run !== null) lastHello(run, member);
    state.silence = null;
  });
}

/** LACP was kept up while nobody ran the policy. */
export function aggregationKept(context: Context, kept: Kept): void {
  const { state } = context;
  if (!isAggregating(state)) return;
  lacpAwake(context);
  follow(context, () => lacpKept(context, kept));
  const nameOf = (member: MemberIndex): string => memberOf(state, member)?.name ?? '';
  const said = kept.ports.filter(port => port.said > 0);
  const ended = kept.ports.filter(({ hasEnded }) => hasEnded).map(({ member }) => nameOf(member));
  if (said.length > 0) {
    const count = said.reduce((sum, port) => sum + port.said, 0);
    const names = said.map(({ member }) => nameOf(member)).join(', ');
    const noticed =
      ended.length === 0 ? 'their partners noticed nothing' : `it did not last on ${ended.join(', ')}`;
    const message = `No daemon was there for ${(kept.awayMs / 1000).toFixed(1)} s: the programs said ${count} LACPDUs on ${names} meanwhile; ${noticed}`;
    tell(context, 'info', 'daemon', message);
  } else if (ended.length > 0) {
    const message = `No daemon was there for ${(kept.awayMs / 1000).toFixed(1)} s, and LACP did not go on without it on ${ended.join(', ')}`;
    tell(context, 'warning', 'daemon', message);
  }
}

/** A member was set up for the first time. */
export function aggregationJoin(context: Context, member: MemberState): void {
  if (!isAggregating(context.state)) return;
  lacpJoin(context, member.member);
  followSilence(context);
}

/** A member is about to leave. */
export function aggregationLeave(context: Context, member: MemberState, canSend: boolean): void {
  if (!isAggregating(context.state)) return;
  const run = silenceRun(context);
  if (canSend && run !== null) lastHello(run, member.member);
  lacpLeave(context, member.member, canSend);
  followSilence(context);
}

/** The monitor decided on a link; what follows for the bond is the monitor's to say, when it has decided on all. */
export function aggregationLink(context: Context, member: MemberState): void {
  if (isAggregating(context.state)) lacpLinkChanged(context, member.member);
}

/** The kernel told of a member that is up; with an unknown speed it does not count as up (bond_slave_netdev_event). */
export function aggregationTold(context: Context, member: MemberState): void {
  if (!isAggregating(context.state)) return;
  lacpAwake(context);
  if (!member.adminUp || member.settling) return;
  const isKnown = member.speedMbps !== null && member.duplex !== null;
  if (!isKnown) member.link = lacpDoubts(context, member.member) ? 'fail' : 'down';
  lacpSpeedTold(context, member.member);
}

/** Links that stay up may have another speed by now (bond_miimon_commit, BOND_LINK_NOCHANGE). */
export function aggregationStays(context: Context, members: readonly MemberState[]): void {
  if (!isAggregating(context.state)) return;
  lacpAwake(context);
  for (const { member, link } of members) if (link === 'up') lacpSpeedTold(context, member);
}

/** The bond was set up or down. */
export function aggregationOpened(context: Context, up: boolean): void {
  if (!isAggregating(context.state)) return;
  lacpOpened(context, up);
  followSilence(context);
}

/** lacp_rate, lacp_active. */
export function aggregationFlags(context: Context): void {
  if (isAggregating(context.state)) lacpFlagsChanged(context);
}

/** lacp_fallback. */
export function aggregationFallback(context: Context): void {
  if (isAggregating(context.state)) lacpFallbackChanged(context);
}

/** ad_actor_sys_prio, ad_actor_system, actor_port_prio. */
export function aggregationActor(context: Context): void {
  if (isAggregating(context.state)) lacpActorChanged(context);
}

/** The bond has another MAC address. */
export function aggregationAddress(context: Context): void {
  if (isAggregating(context.state)) lacpAddressChanged(context);
}
