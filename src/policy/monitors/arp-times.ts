// The ARP monitor's clock work: what a member has heard and sent, and whether that is recent enough (bond_time_in_interval).
import type { LinkState, TimeMs } from '../contract.js';

/** Bits of arp_validate: which members are validated, and whether the others count only ARP and IPv6 frames. */
const VALIDATE = { ACTIVE: 1, BACKUP: 2, FILTER: 4 } as const;
/** Value `all` of arp_all_targets. */
const ALL_TARGETS = 1;
/** One jiffy of a kernel with HZ=250. */
const JIFFY_MS = 4;

/** What the monitor knows of one member; times on the clock of the inputs. */
export interface ArpTimes {
  /** The last probe sent on it. */
  txMs: TimeMs;
  /** The last frame that counts, by arp_validate. */
  rxMs: TimeMs;
  /** The last valid answer of each target, in the order of the list of targets. */
  targetRxMs: TimeMs[];
  /** When it was last made active or chosen to probe. */
  linkUpMs: TimeMs;
}

/** The times of a member that joins: just too old to count as an answer (bond_enslave). */
export function newArpTimes(now: TimeMs, intervalMs: number, targets: number): ArpTimes {
  const old = now - intervalMs - JIFFY_MS;
  return { txMs: old, rxMs: old, targetRxMs: Array.from({ length: targets }, () => old), linkUpMs: now };
}

/**
 * The monitor begins to ask: one whose link is up is as one that joins now, as nobody was asked until now. (The driver counts the silence
 * from before, and gives up at its first tick who joined more than two intervals and a half ago.)
 */
export function beginAsking(
  members: readonly { readonly link: LinkState; readonly arp: ArpTimes }[],
  now: TimeMs,
  intervalMs: number,
): void {
  for (const { link, arp } of members) {
    if (link !== 'up') continue;
    const fresh = newArpTimes(now, intervalMs, arp.targetRxMs.length);
    arp.linkUpMs = fresh.linkUpMs;
    arp.txMs = Math.max(arp.txMs, fresh.txMs);
    arp.rxMs = Math.max(arp.rxMs, fresh.rxMs);
    arp.targetRxMs = arp.targetRxMs.map((at, target) => Math.max(at, fresh.targetRxMs[target] ?? at));
  }
}

/** True while `last` is at most `count` intervals and a half ago; the half is for answers on their way. */
export function isWithin(now: TimeMs, last: TimeMs, count: number, intervalMs: number): boolean {
  return last - intervalMs <= now && now <= last + count * intervalMs + Math.floor(intervalMs / 2);
}

/** slave_last_rx: with arp_all_targets=all, the target that has been silent longest decides. */
export function lastHeard(times: ArpTimes, allTargets: number, arpTargets: number): TimeMs {
  if (allTargets !== ALL_TARGETS) return times.rxMs;
  // The driver looks at the first slot even when there are no IPv4 targets.
  return Math.min(...times.targetRxMs.slice(0, Math.max(1, arpTargets)), Infinity);
}

/** slave_do_arp_validate: whether a member with this state counts only valid answers. */
export function isValidated(validate: number, state: 'active' | 'backup'): boolean {
  return (validate & (state === 'active' ? VALIDATE.ACTIVE : VALIDATE.BACKUP)) !== 0;
}

/** slave_do_arp_validate_only: members that are not validated count only ARP and IPv6 frames. */
export function isFiltered(validate: number): boolean {
  return (validate & VALIDATE.FILTER) !== 0;
}
