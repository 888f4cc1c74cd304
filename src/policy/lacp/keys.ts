// The key of a port: ports of one aggregator have the same (ad_update_actor_keys). Duplex is bit 0, speed bits 1 to 5, the rest the
// user's.
import { type LacpPort, type LacpRun, memberOfPort, type PortMember } from './port.js';

/** Mbit/s in the driver's numbering, from 2 on (AD_LINK_SPEED_*, Linux 6.12). */
const SPEEDS: readonly number[] = [
  10, 100, 1000, 2500, 5000, 10_000, 14_000, 20_000, 25_000, 40_000, 50_000, 56_000, 100_000, 200_000,
  400_000, 800_000,
  // Only later kernels know these, and give other numbers to what is above 80 G; numbers mean something within one system alone.
  80_000,
  1_600_000,
];
const FIRST_SPEED = 2;

const DUPLEX = 1;
const SPEED_SHIFT = 1;
const SPEED_MASK = 0x3e;
const USER_SHIFT = 6;

/** Number of a member's speed; 0 while its link is not up, and for a speed that has none (__get_link_speed). */
function speedNumber({ link, speedMbps }: PortMember): number {
  const at = link === 'up' && speedMbps !== null ? SPEEDS.indexOf(speedMbps) : -1;
  return at === -1 ? 0 : at + FIRST_SPEED;
}

/** Mbit/s as selection counts them: 0 where the speed has no number. */
export function countedSpeed(member: PortMember): number {
  return speedNumber(member) === 0 ? 0 : (member.speedMbps ?? 0);
}

/** True for a key of a port that is full duplex. */
export function isFullDuplex(key: number): boolean {
  return (key & DUPLEX) !== 0;
}

/** The upper part of a key. */
export function userPart(userKey: number): number {
  return userKey << USER_SHIFT;
}

/** A lost link has neither speed nor duplex (ad_update_actor_keys with `reset`). */
export function resetKey(port: LacpPort): void {
  const key = userPart(port.userKey);
  if (key === port.actor.key) return;
  port.actor.key = key;
  port.lacpEnabled = false;
}

/**
 * Speed and duplex may be others. A port that is half duplex does not speak LACP; another speed begins anew, and so does the same one
 * after `resetKey`.
 */
export function updateKey(run: Pick<LacpRun, 'bond'>, port: LacpPort): void {
  const member = memberOfPort(run, port);
  const speed = speedNumber(member);
  const isFull = member.link === 'up' && member.duplex === 'full';
  const before = port.actor.key;
  const key = userPart(port.userKey) | (speed << SPEED_SHIFT) | (isFull ? DUPLEX : 0);
  if (key === before) return;
  port.actor.key = key;
  port.lacpEnabled = isFull;
  if (isFull && speed !== 0 && speed !== (before & SPEED_MASK) >> SPEED_SHIFT) port.begin = true;
}
