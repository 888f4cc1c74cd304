// What LACP knows of one port and of its aggregator, as plain JSON; and what it needs of the bond and the member that have them.
// The bond and its members are known by small interfaces only.
import type { MacText } from '../../base/index.js';
import { type LacpEnd, PORT_STATE } from '../../frames/index.js';
import type { LinkState, MemberIndex, Output, TimeMs } from '../contract.js';
import type { NumberOption } from '../options/options.js';

/** One end of the link, as it is now. */
export type End = { -readonly [K in keyof LacpEnd]: LacpEnd[K] };

/** States of the machines, by the driver's names (include/net/bond_3ad.h). */
export type ReceiveState = 'port-disabled' | 'lacp-disabled' | 'expired' | 'defaulted' | 'current';
export type PeriodicState = 'no' | 'fast' | 'slow' | 'tx';
export type MuxState =
  | 'none'
  | 'detached'
  | 'waiting'
  | 'attached'
  | 'collecting'
  | 'distributing'
  | 'collecting-distributing';
export type ChurnState = 'monitoring' | 'churned' | 'none';

/** What counts down by one a tick; 0: it does not run. */
export interface Counters {
  /** current_while: until what was heard of the partner is too old. */
  receive: number;
  /** Until the next LACPDU is due. */
  periodic: number;
  /** wait_while: until a port may join its aggregator. */
  wait: number;
  actorChurn: number;
  partnerChurn: number;
  /** Runs freely, round and round: a LACPDU leaves at most when it comes to its end. */
  transmit: number;
}

/** Frames of the slow protocols since the port was made (the driver's xstats). */
export interface SlowCounts {
  lacpduIn: number;
  lacpduOut: number;
  unknownIn: number;
  illegalIn: number;
  markerIn: number;
  markerOut: number;
  markerResponseIn: number;
  markerResponseOut: number;
  markerUnknownIn: number;
}

/** Ports that act as one. Every port brings one, which may serve other ports. */
export interface Aggregator {
  readonly id: number;
  /** Whose it is. */
  readonly owner: MemberIndex;
  /** Traffic of the bond goes by this one, and by no other. */
  active: boolean;
  individual: boolean;
  actorKey: number;
  partnerSystem: MacText;
  partnerSystemPriority: number;
  partnerKey: number;
  /** The port that joined last is the first. */
  ports: MemberIndex[];
}

/** The port of a member. */
export interface LacpPort {
  readonly member: MemberIndex;
  /** ad_user_port_key as it was when the port was made. */
  readonly userKey: number;
  readonly actor: End;
  readonly partner: End;
  /** Its link is up (is_enabled). */
  enabled: boolean;
  /** Its link was up, or about to be, since it joined (last_link_up). */
  wasUp: boolean;
  /** It speaks LACP: it is full duplex. */
  lacpEnabled: boolean;
  /** Its machines begin anew at the next tick. */
  begin: boolean;
  /** It has the aggregator that it is to have. */
  selected: boolean;
  /** It has waited long enough (READY_N), and so have all of its aggregator (READY). */
  readyN: boolean;
  ready: boolean;
  /** The watch for churn begins anew. */
  churnBegins: boolean;
  /** A LACPDU is wanted (NTT). */
  ntt: boolean;
  receive: ReceiveState;
  periodic: PeriodicState;
  mux: MuxState;
  actorChurn: ChurnState;
  partnerChurn: ChurnState;
  actorChurned: number;
  partnerChurned: number;
  readonly counters: Counters;
  /** Whose aggregator it uses; null before its first tick. */
  uses: MemberIndex | null;
  readonly own: Aggregator;
  readonly counts: SlowCounts;
  /** Markers are answered at a rate: the answers so far have used it up to this time. */
  markersUntilMs: TimeMs;
  /** It hears what it says itself. */
  reflected: boolean;
  /** LACPDUs in a row that named another than this port. */
  unseen: number;
  /** Code of what was told of it last; null: nothing is wrong. */
  told: string | null;
}

/** LACP of a bond. */
export interface LacpState {
  system: MacText;
  systemPriority: number;
  /** How many aggregators were made since the bond was empty. */
  aggregators: number;
  /** Ticks until the active aggregator is chosen for the first time; 0: that is over. */
  selectTicks: number;
  /** In the order of the members. */
  ports: LacpPort[];
  /** So many ticks before the one that its timer is set for will find nothing to do. */
  idleTicks: number;
}

/** What LACP needs of a member. */
export interface PortMember {
  readonly member: MemberIndex;
  readonly name: string;
  readonly permanentAddress: MacText;
  readonly adminUp: boolean;
  readonly carrier: boolean;
  readonly link: LinkState;
  readonly speedMbps: number | null;
  readonly duplex: 'full' | 'half' | null;
  readonly actorPortPrio: number;
  state: 'active' | 'backup';
  inactive: boolean;
}

/** The options that LACP goes by. */
export type LacpOption = Extract<
  NumberOption,
  | 'lacp_rate'
  | 'lacp_active'
  | 'lacp_strict'
  | 'lacp_quirks'
  | 'lacp_fallback'
  | 'lacp_fast_silence'
  | 'ad_select'
  | 'ad_actor_sys_prio'
  | 'ad_user_port_key'
  | 'min_links'
  | 'coupled_control'
  | 'all_slaves_active'
>;

/** The bond that runs it. */
export interface LacpBond<M extends PortMember = PortMember> {
  readonly name: string;
  readonly address: MacText;
  readonly adminUp: boolean;
  readonly members: readonly M[];
  readonly numbers: Readonly<Record<LacpOption, number>>;
  readonly adActorSystem: MacText;
  lacp: LacpState | null;
  readonly timers: { lacp: TimeMs | null };
}

/** One call: the bond, its LACP, where frames and events go, and the time. */
export interface LacpRun {
  readonly bond: LacpBond;
  readonly lacp: LacpState;
  readonly out: Output[];
  readonly now: TimeMs;
}

export const NO_SYSTEM: MacText = '00:00:00:00:00:00';

/** Partner_Admin: what is held for true of a partner that was not heard. */
const NOBODY: LacpEnd = {
  systemPriority: 0xffff,
  system: NO_SYSTEM,
  key: 1,
  portPriority: 0xff,
  port: 1,
  state: 0,
};

/** Ticks between two chances to send: at most three LACPDUs a second. */
export const TRANSMIT_TICKS = 3;

/** The partner is held for nobody (recordDefault). */
export function recordNobody(port: LacpPort): void {
  Object.assign(port.partner, NOBODY);
  port.actor.state |= PORT_STATE.DEFAULTED;
}

/** True when nothing that selection looks at would change if the partner were held for nobody. */
export function isLikeNobody(partner: LacpEnd): boolean {
  return isSamePartner(partner, NOBODY);
}

/** True when both are the same as far as selection goes: everything but the flags, and of those whether it aggregates. */
export function isSamePartner(a: LacpEnd, b: LacpEnd): boolean {
  return (
    a.port === b.port &&
    a.portPriority === b.portPriority &&
    a.system === b.system &&
    a.systemPriority === b.systemPriority &&
    a.key === b.key &&
    (a.state & PORT_STATE.AGGREGATION) === (b.state & PORT_STATE.AGGREGATION)
  );
}

/** A port before its first tick (ad_initialize_port). */
export function newPort(
  { numbers }: Pick<LacpBond, 'numbers'>,
  lacp: LacpState,
  member: PortMember,
): LacpPort {
  const { ACTIVITY, AGGREGATION, TIMEOUT } = PORT_STATE;
  const flags =
    AGGREGATION | (numbers.lacp_active === 1 ? ACTIVITY : 0) | (numbers.lacp_rate === 1 ? TIMEOUT : 0);
  lacp.aggregators++;
  return {
    member: member.member,
    userKey: numbers.ad_user_port_key,
    actor: {
      systemPriority: lacp.systemPriority,
      system: lacp.system,
      key: 0,
      portPriority: member.actorPortPrio,
      port: 1 + Math.max(0, ...lacp.ports.map(({ actor }) => actor.port)),
      state: flags,
    },
    partner: { ...NOBODY },
    enabled: true,
    wasUp: member.link !== 'down',
    lacpEnabled: true,
    begin: true,
    selected: false,
    readyN: false,
    ready: false,
    churnBegins: false,
    ntt: false,
    receive: 'port-disabled',
    periodic: 'no',
    mux: 'none',
    actorChurn: 'monitoring',
    partnerChurn: 'monitoring',
    actorChurned: 0,
    partnerChurned: 0,
    counters: {
      receive: 0,
      periodic: 0,
      wait: 0,
      actorChurn: 0,
      partnerChurn: 0,
      transmit: TRANSMIT_TICKS,
    },
    uses: null,
    own: emptyAggregator(lacp.aggregators, member.member),
    counts: {
      lacpduIn: 0,
      lacpduOut: 0,
      unknownIn: 0,
      illegalIn: 0,
      markerIn: 0,
      markerOut: 0,
      markerResponseIn: 0,
      markerResponseOut: 0,
      markerUnknownIn: 0,
    },
    markersUntilMs: 0,
    reflected: false,
    unseen: 0,
    told: null,
  };
}

function emptyAggregator(id: number, owner: MemberIndex): Aggregator {
  return {
    id,
    owner,
    active: false,
    individual: false,
    actorKey: 0,
    partnerSystem: NO_SYSTEM,
    partnerSystemPriority: 0,
    partnerKey: 0,
    ports: [],
  };
}

/** An aggregator without ports has nothing of them left (ad_clear_agg). */
export function clearAggregator(aggregator: Aggregator): void {
  Object.assign(aggregator, emptyAggregator(aggregator.id, aggregator.owner));
}

/** Sets flags, or takes them away. */
export function setFlags(end: End, flags: number, on: boolean): void {
  end.state = on ? end.state | flags : end.state & ~flags;
}

export function hasFlag({ state }: LacpEnd, flag: number): boolean {
  return (state & flag) !== 0;
}

/** One tick of a counter that runs. True when it came to its end just now. */
export function countDown(counters: Counters, name: keyof Counters): boolean {
  if (counters[name] === 0) return false;
  counters[name]--;
  return counters[name] === 0;
}

export function portOf(
  { ports }: Pick<LacpState, 'ports'>,
  member: MemberIndex | null,
): LacpPort | undefined {
  return ports.find(port => port.member === member);
}

/** The aggregator that a port uses. */
export function aggregatorOf(lacp: Pick<LacpState, 'ports'>, port: LacpPort): Aggregator | null {
  return portOf(lacp, port.uses)?.own ?? null;
}

/** The aggregator that the bond's traffic goes by. */
export function activeAggregator({ ports }: Pick<LacpState, 'ports'>): Aggregator | null {
  return ports.find(({ own }) => own.active)?.own ?? null;
}

/** Ports of an aggregator, in its order. */
export function portsOf(lacp: Pick<LacpState, 'ports'>, { ports }: Aggregator): LacpPort[] {
  return ports.flatMap(member => portOf(lacp, member) ?? []);
}

/** True when one speaks at its other end. */
export function hasPartner({ partnerSystem }: Aggregator): boolean {
  return partnerSystem !== NO_SYSTEM;
}

/** The member of a port. */
export function memberOfPort({ bond }: Pick<LacpRun, 'bond'>, port: LacpPort): PortMember {
  const found = bond.members.find(({ member }) => member === port.member);
  if (found === undefined) throw new Error(`Port of interface ${port.member} has no member`);
  return found;
}

/** Repeats what the driver does although better is known; see docs/differences.md. */
export function isQuirky({ bond }: Pick<LacpRun, 'bond'>): boolean {
  return bond.numbers.lacp_quirks === 1;
}

/** The device is up and has its carrier. */
export function isDeviceUp(member: PortMember): boolean {
  return member.adminUp && member.carrier;
}

/** The member sends and receives, if its link is up (__enable_port). */
export function enable(member: PortMember): void {
  if (member.link !== 'up' || !isDeviceUp(member)) return;
  member.state = 'active';
  member.inactive = false;
}

/** The member neither sends nor receives (__disable_port); with all_slaves_active it goes on receiving. */
export function disable({ bond }: Pick<LacpRun, 'bond'>, member: PortMember): void {
  member.state = 'backup';
  if (bond.numbers.all_slaves_active === 0) member.inactive = true;
}
