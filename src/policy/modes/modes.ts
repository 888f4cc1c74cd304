// What sets the modes apart, as predicates on the options: who may send, who is heard, what an active member means.
import type { NumberOption } from '../options/options.js';

/** The driver's numbers of the modes. */
export const MODE = {
  ROUND_ROBIN: 0,
  ACTIVE_BACKUP: 1,
  XOR: 2,
  BROADCAST: 3,
  AD: 4,
  TLB: 5,
  ALB: 6,
} as const;

const PRIMARY_MODES: ReadonlySet<number> = new Set([MODE.ACTIVE_BACKUP, MODE.TLB, MODE.ALB]);
const HASH_MODES: ReadonlySet<number> = new Set([MODE.XOR, MODE.AD, MODE.TLB, MODE.ALB]);
const LOAD_BALANCING: ReadonlySet<number> = new Set([MODE.TLB, MODE.ALB]);

interface Numbers {
  readonly numbers: Readonly<Record<NumberOption, number>>;
}

/** bond_uses_primary: one member is the active one, and only it is heard. */
export function usesPrimary({ numbers }: Numbers): boolean {
  return PRIMARY_MODES.has(numbers.mode);
}

/** bond_is_lb. */
export function isLoadBalancing({ numbers }: Numbers): boolean {
  return LOAD_BALANCING.has(numbers.mode);
}

/** Clients are given different members to send to (rlb_enabled). */
export function isReceiveBalancing({ numbers }: Numbers): boolean {
  return numbers.mode === MODE.ALB;
}

/** LACP decides who sends. */
export function isAggregating({ numbers }: Numbers): boolean {
  return numbers.mode === MODE.AD;
}

export function isActiveBackup({ numbers }: Numbers): boolean {
  return numbers.mode === MODE.ACTIVE_BACKUP;
}

/** bond_mode_can_use_xmit_hash: a list of usable members is kept, and every word of a link rebuilds it. */
export function usesHash({ numbers }: Numbers): boolean {
  return HASH_MODES.has(numbers.mode);
}

/** fail_over_mac as far as it acts: in active-backup (H30). */
export function failOverMacOf({ numbers }: Numbers): number {
  return numbers.mode === MODE.ACTIVE_BACKUP ? numbers.fail_over_mac : 0;
}
