// What can be seen of a scenario, and what was seen in one run: the same form whoever ran it. Data only.

/** Where a scenario can be run: the kernel's driver, Bondwire on real interfaces, the simulation. */
export const ARMS = ['driver', 'bondwire', 'simulated'] as const;
export type Arm = (typeof ARMS)[number];

/** A value of a property. */
export type Value = string | number | boolean | null;

/**
 * What can be looked at, by what it is a property of.
 * Of a bond (`HOST/BOND`): active (name or null), carrier, mac, mtu, mii-status (up|down: what /proc says), members (names,
 * blank-separated), aggregator (number of the active one, or null), proc (text of /proc/net/bonding/BOND, the release in its first line written as `v*`), `option` is read through `sysfs:NAME`.
 * Of a member (`HOST/INTERFACE`): state (active|backup|none when no member), link (up|going down|down|going back, as /proc
 * says), failures, aggregator (number or null), in-active-aggregator (802.3ad: its port is in the aggregator that the bond uses; null without a port),
 * port-priority (that of its port), actor-flags and partner-flags (letters of `flagLetters`, null without a port), mac, mtu, admin-up, hears:MAC (whether the address is in its list of those that it lets in besides its own).
 * Of an interface (`HOST/INTERFACE`): lacpdus (frames of the slow protocols that came in there since time 0).
 * Of a port of a switch (`SWITCH:PORT`): carrier, state (active: it carries for its channel group, backup: it does not, none: it is on its
 * own), actor-flags and partner-flags (as the switch knows them; null without LACP).
 * Of a flow (`flow NAME`): sent (by its timetable, even when its host is off), received, lost, duplicated, longest-gap (ms between two arrivals, its
 * start and end counted as such), carried-by (interfaces
 * of the sending host that sent it in the time since the last sample, sorted, blank-separated).
 * Of a host (`HOST`): garps (gratuitous ARP requests received so far), garps-from:IP (those of one address), nas (unsolicited
 * neighbour advertisements received so far for addresses that the scenario gives: not link-local ones).
 * Of an event (`event N`, place in the file): errno (ok, or the errno's name), always there, how = event.
 */
export const PROPERTIES = [
  'active',
  'carrier',
  'mac',
  'mtu',
  'mii-status',
  'members',
  'proc',
  'state',
  'link',
  'failures',
  'aggregator',
  'in-active-aggregator',
  'port-priority',
  'lacpdus',
  'actor-flags',
  'partner-flags',
  'admin-up',
  'sent',
  'received',
  'lost',
  'duplicated',
  'longest-gap',
  'carried-by',
  'garps',
  'nas',
  'errno',
] as const;
/** `sysfs:NAME` is the text of /sys/class/net/BOND/bonding/NAME without its newline. */
export type Property =
  | (typeof PROPERTIES)[number]
  | `sysfs:${string}`
  | `garps-from:${string}`
  | `hears:${string}`;

/** One observation. `change` has the time of the change (the first one, at 0, is the value that it began with). */
export interface Observation {
  readonly atMs: number;
  readonly of: string;
  readonly property: Property;
  readonly how: 'sample' | 'change' | 'total' | 'event';
  readonly value: Value;
}

/** All that was seen of one run, ordered by time. */
export interface Timeline {
  readonly scenario: string;
  readonly arm: Arm;
  /** What ran it: a kernel release, a program version. Not compared. */
  readonly ranBy: string;
  readonly observations: readonly Observation[];
}

/** The first difference between two timelines. */
export interface Divergence {
  readonly of: string;
  readonly property: Property;
  readonly atMs: number;
  readonly reason: string;
  /** Both timelines next to each other around it, as text. */
  readonly text: string;
}
