// The lease: what a data plane is to go on saying and hearing for LACP while nobody runs this policy, and how the next one goes on from
// there, so that no partner notices. What is said stays true for as long as partner and link are what they were.
import { lacpduFrame, parseSlowFrame, PORT_STATE } from '../../frames/index.js';
import type { MemberIndex, TimeMs } from '../contract.js';
import { LACP_TICK_MS, type LacpContext } from './lacp.js';
import { muxMachine } from './mux.js';
import { activeAggregator, hasFlag, hasPartner, type LacpBond, type LacpPort, portOf } from './port.js';
import { giveUpOn, silenceTicks } from './receive.js';

/** Of one port. LACPDUs from the Ethernet header on. */
export interface PortLease {
  readonly member: MemberIndex;
  /** What its partner is to say; who sends it, and whether the partner distributes, does not matter. */
  readonly expected: Uint8Array;
  /** What it is answered. */
  readonly answer: Uint8Array;
  /** Silence after which it is given up. */
  readonly silenceMs: TimeMs;
}

export interface Lease {
  /** For how long, from the last moment at which somebody ran this policy. */
  readonly forMs: TimeMs;
  readonly ports: readonly PortLease[];
}

/** What became of the lease of a port while nobody ran the policy. */
export interface KeptPort {
  readonly member: MemberIndex;
  /** What was said for it last. */
  readonly answer: Uint8Array;
  /** The partner said something else than it was to, or was silent for too long, or the link was away. */
  readonly hasEnded: boolean;
  /** When the partner was heard last; null: not since the lease began. */
  readonly heardMs: TimeMs | null;
  /** LACPDUs that were said for it. */
  readonly said: number;
}

/** What was kept up of a bond. */
export interface Kept {
  readonly awayMs: TimeMs;
  readonly ports: readonly KeptPort[];
}

const { COLLECTING, DISTRIBUTING, SYNCHRONIZATION } = PORT_STATE;
/** Whose frames go to nobody's loss: of a port of ours, and of its partner. */
const CARRIES = SYNCHRONIZATION | COLLECTING | DISTRIBUTING;
const TAKES = SYNCHRONIZATION | COLLECTING;
/** Of whom a frame is that is not sent. */
const NOBODY = '00:00:00:00:00:00';

/**
 * What may go on: ports that carry, in the aggregator that the bond's traffic goes by. Choosing another one, and waiting for a partner,
 * takes the machines. Null: nothing.
 */
export function leaseOf(
  bond: Pick<LacpBond, 'adminUp' | 'lacp' | 'members'>,
  leaseSeconds: number,
): Lease | null {
  const { adminUp, lacp, members } = bond;
  const active = lacp === null ? null : activeAggregator(lacp);
  if (!adminUp || lacp === null || active === null || leaseSeconds === 0 || !hasPartner(active)) return null;
  const ports: PortLease[] = [];
  for (const port of lacp.ports) {
    const member = members.find(each => each.member === port.member);
    if (member === undefined || port.uses !== active.owner || !isCarrying(port)) continue;
    const expected = lacpduFrame(NOBODY, { actor: port.partner, partner: port.actor });
    const answer = lacpduFrame(member.permanentAddress, port);
    if (!expected.ok || !answer.ok) continue;
    ports.push({
      member: port.member,
      expected: expected.value,
      answer: answer.value,
      silenceMs: silenceTicks(port) * LACP_TICK_MS,
    });
  }
  return ports.length === 0 ? null : { forMs: leaseSeconds * 1000, ports };
}

function isCarrying({ enabled, begin, selected, receive, actor, partner }: LacpPort): boolean {
  const carries = (actor.state & CARRIES) === CARRIES && (partner.state & TAKES) === TAKES;
  return enabled && !begin && selected && receive === 'current' && carries;
}

/**
 * Goes on from what was kept up, and says so to partners at once: ports are as they were said to be, and their partners' silence counts from when they were heard. A port
 * whose lease ended has to hear its partner anew before it carries.
 */
export function lacpKept({ state: bond, out, now }: LacpContext, { ports }: Kept): void {
  const { lacp } = bond;
  if (lacp === null) return;
  // Nobody knows how long partners have waited.
  for (const port of lacp.ports) if (port.receive === 'current') port.ntt = true;
  for (const kept of ports) {
    const port = portOf(lacp, kept.member);
    const said = parseSlowFrame(kept.answer);
    if (port?.receive !== 'current' || !hasFlag(port.actor, COLLECTING)) continue;
    if (!said.ok || said.value.kind !== 'lacpdu') continue;
    const { actor, partner } = said.value.pdu;
    if (kept.hasEnded || actor.system !== port.actor.system || actor.port !== port.actor.port) {
      giveUpOn(port);
      muxMachine({ bond, lacp, out, now }, port);
      continue;
    }
    Object.assign(port.actor, actor);
    Object.assign(port.partner, partner);
    const silentMs = kept.heardMs === null ? 0 : Math.max(0, now - kept.heardMs);
    const silentTicks = Math.floor(silentMs / LACP_TICK_MS);
    port.counters.receive = Math.max(1, silenceTicks(port) - silentTicks);
  }
}
