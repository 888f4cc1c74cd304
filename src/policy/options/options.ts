// The options of a bond by name: their types, how one is found, and the order in which several are applied.
import { meantWord } from '../../base/index.js';
import { OPTION_HABITS } from './habits.js';
import { OPTION_TABLE } from './option-table.js';

/** Names of the modes, as the driver spells them; the index is the driver's number. */
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

/** Options that are kept as one number (words included), by the driver's name. */
export const NUMBER_OPTIONS = [
  'mode',
  'miimon',
  'updelay',
  'downdelay',
  'peer_notif_delay',
  'use_carrier',
  'arp_interval',
  'arp_validate',
  'arp_all_targets',
  'arp_missed_max',
  'primary_reselect',
  'fail_over_mac',
  'xmit_hash_policy',
  'resend_igmp',
  'num_grat_arp',
  'all_slaves_active',
  'min_links',
  'lp_interval',
  'packets_per_slave',
  'lacp_active',
  'lacp_rate',
  'ad_select',
  'ad_actor_sys_prio',
  'ad_user_port_key',
  'tlb_dynamic_lb',
  'coupled_control',
  'broadcast_neighbor',
  'lacp_strict',
  'inline_failover',
  'link_watch',
  'passive_evidence',
  'multicast',
  'data_plane',
] as const;
export type NumberOption = (typeof NUMBER_OPTIONS)[number];

/** Options that are an interface, a list, an address or one value a member. */
export const OTHER_OPTIONS = [
  'active_slave',
  'primary',
  'slaves',
  'arp_ip_target',
  'ns_ip6_target',
  'ad_actor_system',
  'prio',
  'actor_port_prio',
  'queue_id',
] as const;
export type OtherOption = (typeof OTHER_OPTIONS)[number];

/** Every option by its one name (aliases such as num_unsol_na lead to it). */
export type OptionName = NumberOption | OtherOption;

/** A value as reports and `show --json` give it. */
export type OptionValue = string | number | readonly string[] | null;

/** All values by name: words as words, numbers as numbers (delays in ms), names or null, lists as lists. */
export type OptionValues = Readonly<{
  mode: ModeName;
  miimon: number;
  updelay: number;
  downdelay: number;
  peer_notif_delay: number;
  use_carrier: number;
  arp_interval: number;
  arp_ip_target: readonly string[];
  ns_ip6_target: readonly string[];
  arp_validate: string;
  arp_all_targets: string;
  arp_missed_max: number;
  active_slave: string | null;
  primary: string | null;
  primary_reselect: string;
  fail_over_mac: string;
  xmit_hash_policy: string;
  resend_igmp: number;
  num_grat_arp: number;
  num_unsol_na: number;
  all_slaves_active: number;
  min_links: number;
  lp_interval: number;
  packets_per_slave: number;
  lacp_active: string;
  lacp_rate: string;
  ad_select: string;
  ad_actor_sys_prio: number;
  ad_user_port_key: number;
  ad_actor_system: string;
  tlb_dynamic_lb: number;
  coupled_control: string;
  broadcast_neighbor: string;
  lacp_strict: string;
  inline_failover: number;
  link_watch: string;
  passive_evidence: number;
  multicast: string;
  data_plane: string;
  slaves: readonly string[];
  /** `IFACE:N`, one a member, in order of joining; so are the next two. */
  prio: readonly string[];
  actor_port_prio: readonly string[];
  queue_id: readonly string[];
}> &
  Readonly<Record<string, OptionValue>>;

/** A word and the number it stands for. Helper words (`off`, `maxval`, `default` …) are accepted but never shown. */
export interface OptionWord {
  readonly word: string;
  readonly value: number;
  readonly isDefault?: boolean;
}

/** What is known of an option; the facts are those of the driver's bond_opts table. */
export interface OptionSpec {
  readonly name: OptionName;
  readonly aliases: readonly string[];
  /** One line for people. */
  readonly summary: string;
  readonly kind: 'word' | 'number' | 'interface' | 'list' | 'address' | 'per-member' | 'members';
  readonly unit: 'ms' | 's' | null;
  readonly words: readonly OptionWord[];
  readonly min: number;
  /** Null: only the numbers of the words are accepted. */
  readonly max: number | null;
  /** The number at creation; null where there is nothing to start from (interfaces, lists). */
  readonly initial: number | null;
  /** Modes in which it may be set, or all. */
  readonly modes: readonly ModeName[] | 'all';
  /** May not be changed while the bond has members (ENOTEMPTY). */
  readonly withoutMembers: boolean;
  /** May not be changed while the bond is up (EBUSY). */
  readonly whileDown: boolean;
  /** How sysfs prints it: `word number`, number, text; null: it has no file there. */
  readonly sysfs: 'word-number' | 'number' | 'text' | null;
  /** Set where only some numbers (or nothing) work so far: those numbers, and what is missing. */
  readonly notBuilt: { readonly except: readonly number[]; readonly what: string } | null;
}

const BY_NAME: ReadonlyMap<string, OptionSpec> = new Map(
  OPTION_TABLE.flatMap(spec => [spec.name, ...spec.aliases].map(name => [name, spec] as const)),
);

/** The option with this name or alias. */
export function findOption(name: string): OptionSpec | undefined {
  return BY_NAME.get(name);
}

/** The spec of an option that exists. */
export function optionSpec(name: OptionName): OptionSpec {
  const spec = BY_NAME.get(name);
  if (spec === undefined) throw new Error(`Option ${name} is missing from the table`);
  return spec;
}

/** The word that an option shows for a number, or undefined when it has none. */
export function wordOf(name: OptionName, value: number): string | undefined {
  const spec = optionSpec(name);
  return spec.kind === 'word' ? spec.words.find(word => word.value === value)?.word : undefined;
}

/** The known name that looks most like `name`, when one is near enough to be meant. */
export function nearestOption(name: string): string | undefined {
  return meantWord(name.replace(/^bond[-_]/, ''), [...BY_NAME.keys()], OPTION_HABITS);
}

/** Order of bond_changelink (netlink), then what is set a member at a time, then our own. */
const APPLY_ORDER: readonly OptionName[] = [
  // Ours, and first: others may be refused without it.
  'link_watch',
  'mode',
  'active_slave',
  'miimon',
  'updelay',
  'downdelay',
  'peer_notif_delay',
  'use_carrier',
  'arp_interval',
  'arp_ip_target',
  'ns_ip6_target',
  'arp_validate',
  'arp_all_targets',
  'primary',
  'primary_reselect',
  'fail_over_mac',
  'xmit_hash_policy',
  'resend_igmp',
  'num_grat_arp',
  'all_slaves_active',
  'min_links',
  'lp_interval',
  'packets_per_slave',
  'lacp_active',
  'lacp_rate',
  'ad_select',
  'ad_actor_sys_prio',
  'ad_user_port_key',
  'ad_actor_system',
  'tlb_dynamic_lb',
  'arp_missed_max',
  'coupled_control',
  'broadcast_neighbor',
  'lacp_strict',
  'slaves',
  'queue_id',
  'prio',
  'actor_port_prio',
  'inline_failover',
  'passive_evidence',
  'multicast',
  'data_plane',
];

function rank(name: string): number {
  const spec = BY_NAME.get(name);
  return spec === undefined ? APPLY_ORDER.length : APPLY_ORDER.indexOf(spec.name);
}

/**
 * Names (or aliases) of several options that are set together, in the order in which they must be applied: the driver's
 * netlink order, unknown names last. The order of equals is kept.
 */
export function inApplyOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => rank(a) - rank(b));
}
