// Words that the driver's texts share: modes, link states, who is active.
import type { BondSnapshot, LinkState, MemberSnapshot, ModeName } from '../policy/index.js';

/** Names of the modes in texts for people (bond_mode_name's long forms). */
export const MODE_TEXT: Readonly<Record<ModeName, string>> = {
  'balance-rr': 'load balancing (round-robin)',
  'active-backup': 'fault-tolerance (active-backup)',
  'balance-xor': 'load balancing (xor)',
  broadcast: 'fault-tolerance (broadcast)',
  '802.3ad': 'IEEE 802.3ad Dynamic link aggregation',
  'balance-tlb': 'transmit load balancing',
  'balance-alb': 'adaptive load balancing',
};

/** Link states in texts and in sysfs (bond_slave_link_status). */
export const LINK_TEXT: Readonly<Record<LinkState, string>> = {
  up: 'up',
  fail: 'going down',
  down: 'down',
  back: 'going back',
};

/** True for modes with a primary and one active member (bond_uses_primary). */
export function usesActive(mode: ModeName): boolean {
  return mode === 'active-backup' || mode === 'balance-tlb' || mode === 'balance-alb';
}

/** Name of the first member of which something is true. */
export function nameOf(bond: BondSnapshot, find: (member: MemberSnapshot) => boolean): string | null {
  return bond.members.find(find)?.name ?? null;
}

/** Name of the active member. */
export function activeName(bond: BondSnapshot): string | null {
  return nameOf(bond, member => member.member === bond.active);
}
