// What the rules and the stories of the simulation ask of a mode.
import type { ModeName } from '../policy/index.js';

/** Modes in which several members send, and all are heard. */
export function isSpread(mode: ModeName): boolean {
  return mode === 'balance-rr' || mode === 'balance-xor' || mode === 'broadcast';
}

/** LACP says who sends and who is heard. */
export function isAggregated(mode: ModeName): boolean {
  return mode === '802.3ad';
}

/** Several send, each with an address of its own; one of them has the bond's. */
export function isBalanced(mode: ModeName): boolean {
  return mode === 'balance-tlb' || mode === 'balance-alb';
}
