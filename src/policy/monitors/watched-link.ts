// link_watch: the link of a member as both monitors together see it.
import type { TimeMs } from '../contract.js';
import { isUp, type Watched, type Watching } from './watched.js';

/** Values of link_watch. */
const LINK_WATCH = { DRIVER: 0, ANY: 1, ALL: 2 } as const;

/** True when both monitors run together. */
export function isWatching({ numbers }: Pick<Watching, 'numbers'>): boolean {
  return numbers.link_watch !== LINK_WATCH.DRIVER && numbers.miimon > 0 && numbers.arp_interval > 0;
}

/** The link of a member as the monitor is to see it. */
export function hasLink(state: Pick<Watching, 'numbers'>, member: Watched): boolean {
  if (!isWatching(state)) return isUp(member);
  const answers = member.adminUp && !member.watch.silent;
  return state.numbers.link_watch === LINK_WATCH.ANY ? isUp(member) && answers : isUp(member) || answers;
}

/** Why a member that has its carrier counts as lost, as a clause; null when silence is not the reason. */
export function silenceReason(state: Watching, member: Watched, now: TimeMs): string | null {
  if (!isWatching(state) || !member.watch.silent || !isUp(member)) return null;
  const silentMs = Math.round(now - member.watch.answeredMs);
  return `no answer from ${targetsOf(state).join(', ')} through ${member.name} for ${silentMs} ms`;
}

/** All targets of the ARP monitor. */
export function targetsOf({
  arpTargets,
  nsTargets,
}: Pick<Watching, 'arpTargets' | 'nsTargets'>): readonly string[] {
  return [...arpTargets, ...nsTargets];
}
