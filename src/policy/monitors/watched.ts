// What the monitors need of what they watch and of whom they serve. A bond and its members have it all; whatever else has it can
// be watched by the same rules.
import type { LinkState, MemberIndex, Output, ProbeRoute, TimeMs } from '../contract.js';
import type { NumberOption } from '../options/options.js';
import type { ArpTimes } from './arp-times.js';
import type { WatchTimes } from './watch-times.js';

/** One link that is watched. */
export interface Watched {
  /** By it inputs and outputs name the link. */
  readonly member: MemberIndex;
  readonly name: string;
  /** IFF_UP, and the device's carrier flag. */
  readonly adminUp: boolean;
  readonly carrier: boolean;
  /** `active` when it sends and receives: arp_validate tells those from backups. */
  readonly state: 'active' | 'backup';
  /** What the monitors decided so far, and the ticks of updelay or downdelay that are left. */
  readonly link: LinkState;
  delayTicks: number;
  readonly arp: ArpTimes;
  watch: WatchTimes;
}

/** The options that the monitors go by. Delays are in ticks of miimon. */
type MonitorOption = Extract<
  NumberOption,
  | 'miimon'
  | 'updelay'
  | 'downdelay'
  | 'arp_interval'
  | 'arp_missed_max'
  | 'arp_validate'
  | 'arp_all_targets'
  | 'link_watch'
  | 'passive_evidence'
>;

/** Whose links are watched, and how. */
export interface Watching<M extends Watched = Watched> {
  /** What messages call it. */
  readonly name: string;
  readonly members: readonly M[];
  readonly numbers: Readonly<Record<MonitorOption, number>>;
  /** Whom the ARP monitor asks: canonical text. */
  readonly arpTargets: readonly string[];
  readonly nsTargets: readonly string[];
  readonly routes: readonly ProbeRoute[];
}

/** One call of a monitor: what it watches, where questions and events go, and the time. */
export interface WatchContext<M extends Watched = Watched> {
  readonly state: Watching<M>;
  readonly out: Output[];
  readonly now: TimeMs;
}

/** What whoever is watched decides for itself. */
export interface WatchRoles<M extends Watched> {
  /** The address that a member asks from while it must not be taken for the one that carries; null where it may. */
  readonly askingAddress: (member: M) => string | null;
  /** The link of a member counts as lost from now on: no delay is to be waited for. */
  readonly lost: (member: M) => void;
}

/** The driver's is_up: administratively up and carrier on. */
export function isUp(member: Pick<Watched, 'adminUp' | 'carrier'>): boolean {
  return member.adminUp && member.carrier;
}

/** The member with this index. */
export function memberOf<M extends { readonly member: MemberIndex }>(
  { members }: { readonly members: readonly M[] },
  index: MemberIndex | null,
): M | null {
  return members.find(({ member }) => member === index) ?? null;
}
