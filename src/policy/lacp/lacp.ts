// LACP of a bond as the driver does it (drivers/net/bonding/bond_3ad.c): what happens at a tick, when a frame comes in, when a link
// or an option changes, when members come and go. The machines are in the files beside this one.
import { type MacText } from '../../base/index.js';
import { parseSlowFrame, PORT_STATE, type SlowFrame } from '../../frames/index.js';
import type { MemberIndex, Output, TimeMs } from '../contract.js';
import { churnMachine } from './churn.js';
import { carriesStatically, FALLBACK, leaveFallback } from './fallback.js';
import { fingerprint, idleTicks, MOST_IDLE_TICKS, passIdle } from './idle.js';
import { resetKey, updateKey } from './keys.js';
import { markerHeard } from './markers.js';
import { muxMachine } from './mux.js';
import { periodicMachine } from './periodic.js';
import {
  activeAggregator,
  aggregatorOf,
  disable,
  hasFlag,
  isQuirky,
  type LacpBond,
  type LacpPort,
  type LacpRun,
  memberOfPort,
  newPort,
  NO_SYSTEM,
  portOf,
  portsOf,
  setFlags,
} from './port.js';
import { isOwn, receiveMachine } from './receive.js';
import { chooseActive, enabledPorts, releaseAggregators, selectionLogic } from './selection.js';
import { sendLacpdu, transmitMachine } from './transmit.js';

/**
 * Milliseconds of a tick. The driver asks for 100 and has 26 jiffies of 4 ms (HZ=250, Debian); 101 ms where HZ is 1000, 110 where it is
 * 100. All of its "seconds" are as much longer.
 */
export const LACP_TICK_MS: TimeMs = 104;

/** Ticks until the active aggregator is chosen: when the first member joins, and when the bond is set up. */
const SELECT_TICKS = 80;
const SELECT_TICKS_OPEN = 1;

/** What a caller gives. */
export interface LacpContext {
  readonly state: LacpBond;
  readonly out: Output[];
  readonly now: TimeMs;
}

function runOf({ state, out, now }: LacpContext): LacpRun | null {
  return state.lacp === null ? null : { bond: state, lacp: state.lacp, out, now };
}

/** The ticks until now are counted; what happens next is found by the tick after it. */
function awake({ bond, lacp, now }: LacpRun): void {
  const { timers } = bond;
  if (timers.lacp === null || lacp.idleTicks === 0) return;
  const left = Math.min(lacp.idleTicks, Math.max(0, Math.floor((timers.lacp - now) / LACP_TICK_MS)));
  passIdle(lacp, lacp.idleTicks - left);
  timers.lacp -= left * LACP_TICK_MS;
  lacp.idleTicks = 0;
}

/** The run, with all ticks until now counted. */
function begin(context: LacpContext): LacpRun | null {
  const run = runOf(context);
  if (run !== null) awake(run);
  return run;
}

/** The timer is due that was set for `dueMs` (bond_3ad_state_machine_handler); it is set again. */
export function lacpTick(context: LacpContext, dueMs: TimeMs): void {
  const run = runOf(context);
  const { timers } = context.state;
  if (run === null) {
    timers.lacp = nextAt(dueMs, context.now, MOST_IDLE_TICKS);
    return;
  }
  const { bond, lacp } = run;
  passIdle(lacp, lacp.idleTicks);
  const before = fingerprint(bond, lacp);
  onePass(run);
  lacp.idleTicks = fingerprint(bond, lacp) === before ? idleTicks(lacp) : 0;
  timers.lacp = nextAt(dueMs, run.now, lacp.idleTicks);
}

/** On the grid of ticks; where one was missed, the grid begins anew: silence of that time is no evidence against anybody. */
function nextAt(dueMs: TimeMs, now: TimeMs, idle: number): TimeMs {
  const from = dueMs + LACP_TICK_MS > now ? dueMs : now;
  return from + (idle + 1) * LACP_TICK_MS;
}

function onePass(run: LacpRun): void {
  const { lacp } = run;
  if (lacp.selectTicks > 0 && --lacp.selectTicks === 0) chooseActive(run);
  const quirky = isQuirky(run);
  for (const port of lacp.ports) {
    receiveMachine(port, null, quirky);
    periodicMachine(port, quirky);
    selectionLogic(run, port);
    muxMachine(run, port);
    transmitMachine(run, port);
    churnMachine(port);
    port.begin = false;
  }
}

/** A frame of the slow protocols came in on a member (bond_3ad_lacpdu_recv). Gives what its partner said; null: that was nothing. */
export function lacpHear(context: LacpContext, member: MemberIndex, frame: Uint8Array): SlowFrame | null {
  const read = parseSlowFrame(frame);
  // While the bond is down nobody listens.
  if (!read.ok || !context.state.adminUp) return null;
  const run = begin(context);
  const port = run === null ? undefined : portOf(run.lacp, member);
  if (run === null || port === undefined || !isForUs(run, read.value)) return null;
  const { counts } = port;
  const heard = read.value;
  switch (heard.kind) {
    case 'illegal':
      counts.illegalIn++;
      return null;
    case 'other':
      counts.unknownIn++;
      return heard;
    case 'marker':
      markerHeard(run, port, heard);
      return heard;
    case 'lacpdu':
      counts.lacpduIn++;
      port.reflected = isOwn(port, heard.pdu);
      // What a port said itself is silence of its partner.
      if (!port.reflected || isQuirky(run)) receiveMachine(port, heard.pdu, isQuirky(run));
      return port.reflected ? null : heard;
    default:
      return heard satisfies never;
  }
}

/** Slow protocols have no tag but for a priority. The driver takes them with any one tag. */
function isForUs(run: LacpRun, { vlanTags }: SlowFrame): boolean {
  if (vlanTags.length > 1) return false;
  return isQuirky(run) || vlanTags.every(({ tci }) => (tci & 0xfff) === 0);
}

/** Without members ticks are left out; those of the first member go on where they would be. */
function nextOnGrid({ state: { timers }, now }: LacpContext): void {
  if (timers.lacp !== null)
    timers.lacp -= Math.max(0, Math.floor((timers.lacp - now) / LACP_TICK_MS)) * LACP_TICK_MS;
}

function systemOf({ adActorSystem, address }: LacpBond): MacText {
  return adActorSystem === NO_SYSTEM ? address : adActorSystem;
}

/** A member was set up for the first time: it gets a port (bond_3ad_initialize, bond_3ad_bind_slave). */
export function lacpJoin(context: LacpContext, member: MemberIndex): void {
  const { state: bond } = context;
  if (bond.lacp === null) nextOnGrid(context);
  bond.lacp ??= {
    system: systemOf(bond),
    systemPriority: bond.numbers.ad_actor_sys_prio,
    aggregators: 0,
    selectTicks: SELECT_TICKS,
    ports: [],
    idleTicks: 0,
  };
  const run = begin(context);
  const joined = bond.members.find(each => each.member === member);
  if (run === null || joined === undefined) return;
  const port = newPort(bond, run.lacp, joined);
  port.markersUntilMs = context.now;
  const rank = (each: LacpPort): number => bond.members.findIndex(other => other.member === each.member);
  run.lacp.ports = [...run.lacp.ports, port].toSorted((a, b) => rank(a) - rank(b));
  updateKey(run, port);
  disable(run, joined);
}

/**
 * A member is about to leave; it is still among the others (bond_3ad_unbind_slave). Its partner is told that it does not aggregate
 * any more, where it can be.
 */
export function lacpLeave(context: LacpContext, member: MemberIndex, canSend: boolean): void {
  const run = begin(context);
  const port = run === null ? undefined : portOf(run.lacp, member);
  if (run === null || port === undefined) return;
  disable(run, memberOfPort(run, port));
  const { SYNCHRONIZATION, COLLECTING, DISTRIBUTING, AGGREGATION } = PORT_STATE;
  setFlags(port.actor, SYNCHRONIZATION | COLLECTING | DISTRIBUTING | AGGREGATION, false);
  if (canSend) sendLacpdu(run, port);
  releaseAggregators(run, port);
  run.lacp.ports = run.lacp.ports.filter(each => each !== port);
  if (run.lacp.ports.length === 0) context.state.lacp = null;
}

/** The monitor decided on a link (bond_3ad_handle_link_change). */
export function lacpLinkChanged(context: LacpContext, member: MemberIndex): void {
  const run = begin(context);
  const port = run === null ? undefined : portOf(run.lacp, member);
  if (run === null || port === undefined) return;
  port.enabled = memberOfPort(run, port).link === 'up';
  port.wasUp ||= port.enabled;
  if (port.enabled) updateKey(run, port);
  else resetKey(port);
  chooseActive(run);
}

/** Something that ticks go by is not as it was. */
export function lacpAwake(context: LacpContext): void {
  begin(context);
}

/**
 * True when a link whose speed is not known any more is to be looked at anew (bond_slave_netdev_event). The driver does so with one that is
 * down too, and counts another failure then.
 */
export function lacpDoubts(context: LacpContext, member: MemberIndex): boolean {
  const run = begin(context);
  const port = run === null ? undefined : portOf(run.lacp, member);
  if (run === null || port === undefined) return false;
  return isQuirky(run) ? port.wasUp : memberOfPort(run, port).link !== 'down';
}

/** Speed and duplex of a member may be others (bond_3ad_adapter_speed_duplex_changed). */
export function lacpSpeedTold(context: LacpContext, member: MemberIndex): void {
  const run = begin(context);
  const port = run === null ? undefined : portOf(run.lacp, member);
  if (run !== null && port !== undefined) updateKey(run, port);
}

/** The bond was set up or down: ticks go on from the state in which they ended, and nothing is told to the partner. */
export function lacpOpened(context: LacpContext, up: boolean): void {
  const run = begin(context);
  context.state.timers.lacp = up ? context.now : null;
  if (up && run !== null) run.lacp.selectTicks = SELECT_TICKS_OPEN;
}

/** lacp_rate, lacp_active: flags of all ports (bond_3ad_update_lacp_rate). The bond is down. */
export function lacpFlagsChanged(context: LacpContext): void {
  const { numbers } = context.state;
  for (const port of begin(context)?.lacp.ports ?? []) {
    setFlags(port.actor, PORT_STATE.TIMEOUT, numbers.lacp_rate === 1);
    setFlags(port.actor, PORT_STATE.ACTIVITY, numbers.lacp_active === 1);
  }
}

/** ad_actor_sys_prio, ad_actor_system, actor_port_prio: told at once, and the partner decides (bond_3ad_update_ad_actor_settings). */
export function lacpActorChanged(context: LacpContext): void {
  const run = begin(context);
  if (run === null) return;
  const { bond, lacp } = run;
  lacp.system = systemOf(bond);
  lacp.systemPriority = bond.numbers.ad_actor_sys_prio;
  for (const port of lacp.ports) {
    port.actor.system = lacp.system;
    port.actor.systemPriority = lacp.systemPriority;
    port.actor.portPriority = memberOfPort(run, port).actorPortPrio;
    port.ntt = true;
  }
}

/** The bond has another MAC address. Partners of the driver never hear of it, and another bond may have the old one by then. */
export function lacpAddressChanged(context: LacpContext): void {
  const run = runOf(context);
  if (run === null || isQuirky(run) || systemOf(context.state) === run.lacp.system) return;
  lacpActorChanged(context);
}

/** lacp_fallback: who carries without LACP is chosen anew. */
export function lacpFallbackChanged(context: LacpContext): void {
  const run = begin(context);
  if (run === null) return;
  leaveFallback(run);
  chooseActive(run);
}

/**
 * Enough ports for a carrier (bond_3ad_set_carrier): in the active aggregator, with their link up. lacp_strict (Linux 7.2): only those
 * that LACP has negotiated. lacp_fallback=off: never without one of those; static: while nobody is heard, min_links counts for nothing.
 */
export function lacpCarrier({ lacp, numbers }: Pick<LacpBond, 'lacp' | 'numbers'>): boolean {
  const active = lacp === null ? null : activeAggregator(lacp);
  if (lacp === null || active === null) return false;
  const isStrict = numbers.lacp_strict === 1;
  if (numbers.lacp_fallback === FALLBACK.OFF && negotiated(lacp, active) === 0) return false;
  if (!isStrict && carriesStatically({ lacp, numbers })) return lacp.ports.some(({ enabled }) => enabled);
  const counted = isStrict ? negotiated(lacp, active) : enabledPorts({ lacp }, active).length;
  return counted >= numbers.min_links;
}

function negotiated(lacp: NonNullable<LacpBond['lacp']>, active: Parameters<typeof portsOf>[1]): number {
  const { COLLECTING, DISTRIBUTING } = PORT_STATE;
  return portsOf(lacp, active).filter(
    ({ actor }) => hasFlag(actor, COLLECTING) && hasFlag(actor, DISTRIBUTING),
  ).length;
}

/**
 * True when a member's port is in the aggregator that the bond's traffic goes by (bond_update_slave_arr), or all carry without LACP.
 */
export function isOfAggregate(bond: Pick<LacpBond, 'lacp' | 'numbers'>, member: MemberIndex): boolean {
  const { lacp } = bond;
  const port = lacp === null ? undefined : portOf(lacp, member);
  if (lacp === null || port === undefined) return false;
  return carriesStatically(bond) || aggregatorOf(lacp, port)?.active === true;
}
