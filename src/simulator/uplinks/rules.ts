// The rules of every simulated uplink by name, and what is said of one that did not hold. `checkers.ts` states and checks them. (simulator)

export const UPLINK_RULES = [
  'one-selected',
  'proven',
  'viable-target',
  'steer-first',
  'untouched',
  'no-stranding',
  'adoption',
  'progress',
] as const;
export type UplinkRule = (typeof UPLINK_RULES)[number];

/** A rule that did not hold. */
export interface UplinkViolation {
  readonly atMs: number;
  readonly rule: UplinkRule;
  readonly message: string;
}
