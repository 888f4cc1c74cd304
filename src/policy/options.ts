// The option table: every option of the driver, by name. (Skeleton; the policy work fills it.)

/** Names of the modes, as the driver spells them. */
export const MODE_NAMES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;
export type ModeName = (typeof MODE_NAMES)[number];

export type OptionName = string;
export type OptionValues = Readonly<Record<string, string | number | readonly string[] | null>>;
