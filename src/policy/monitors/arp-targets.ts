// A change of the list of ARP or NS targets: each member's times follow their targets (_bond_options_arp_ip_target_set).
import type { TimeMs } from '../contract.js';
import type { Watching } from './watched.js';

/** Times move with their targets, and a new target counts as heard now. IPv4 and IPv6 targets share the slots. */
export function moveTargetTimes(
  state: Pick<Watching, 'members'>,
  former: readonly string[],
  targets: readonly string[],
  now: TimeMs,
): void {
  for (const { arp } of state.members) {
    const old = [...arp.targetRxMs];
    for (const [slot, target] of targets.entries()) {
      const from = former.indexOf(target);
      arp.targetRxMs[slot] = from < 0 ? now : (old[from] ?? now);
    }
  }
}
