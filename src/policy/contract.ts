// The bond's contract with whoever drives it (daemon, simulator, tests): inputs, outputs, snapshot. Values only.
import type { MacText, Refusal, Result } from '../base/index.js';
import type { LacpEnd, VlanTag } from '../frames/index.js';
import type { ForwardingPlan } from './forwarding-plan.js';
import type { Explanation } from './lacp/explain.js';
import type { Kept, Lease } from './lacp/lease.js';
import type { ChurnState, MuxState, ReceiveState, SlowCounts } from './lacp/port.js';
import type { OptionName, OptionValues } from './options/options.js';
import type { ModeName } from './options/option-row.js';

/** Monotonic time in milliseconds; fractions allowed. The policy never asks for it, it is told. */
export type TimeMs = number;

/** A member is known by its interface index (stable across renames). */
export type MemberIndex = number;

/** What is known of an interface when it joins, and whenever the kernel says something of it. */
export interface MemberLink {
  readonly name: string;
  readonly address: MacText;
  readonly mtu: number;
  /** IFF_UP. */
  readonly adminUp: boolean;
  /** netif_carrier_ok: the device's carrier flag. */
  readonly carrier: boolean;
  /** Mbit/s, or null when the device does not tell. */
  readonly speedMbps: number | null;
  readonly duplex: 'full' | 'half' | null;
}

/** An interface on which peers are to be told of a move: the bond itself, and VLAN devices stacked on it. */
export interface StackedDevice {
  readonly ifindex: number;
  readonly name: string;
  readonly address: MacText;
  readonly adminUp: boolean;
  /** Dotted quads. */
  readonly ipv4: readonly string[];
  /** Non-tentative IPv6 addresses as text. */
  readonly ipv6: readonly string[];
  /** net.ipv6.conf.DEV.forwarding: the router flag of advertisements. */
  readonly forwarding: boolean;
  /** IPv4 groups joined on it, and the newest IGMP version that its querier speaks (3 when there is none). */
  readonly ipv4Groups: readonly string[];
  readonly igmpVersion: 1 | 2 | 3;
  readonly ipv6Groups: readonly string[];
  readonly mldVersion: 1 | 2;
  /** How learning packets teach it; absent for the bond, bridges, and VLAN devices that are not directly on it. */
  readonly taught?: Taught | undefined;
  /** It is a bridge, of which the bond or a device on it is a port. */
  readonly isBridge?: boolean;
}

/** A VLAN device directly on the bond, or a macvlan at any height; with the tag of the VLAN device directly on the bond below. */
export interface Taught {
  readonly kind: 'vlan' | 'macvlan';
  readonly tag: VlanTag | null;
}

/** When a member last received: anything, and an ARP or IPv6 frame. Null: never. */
export interface Heard {
  readonly member: MemberIndex;
  readonly anyMs: TimeMs | null;
  readonly probeLikeMs: TimeMs | null;
}

/** What the ARP monitor needs of a received frame. Addresses as canonical text; of IPv6, source and destination. */
export interface HeardAnswer {
  readonly member: MemberIndex;
  readonly atMs: TimeMs;
  readonly protocol: 'arp' | 'nd';
  /** ARP reply or neighbour advertisement. */
  readonly isReply: boolean;
  readonly sender: string;
  readonly target: string;
  /** Whom the frame was for. */
  readonly destination: MacText;
}

/** How a target is reached: through the bond or a device on top of it, not at all, or through something else. */
export type ProbeRoute =
  | {
      readonly target: string;
      readonly path: 'bond';
      /** Address of that device, null when it has none; VLAN tags from the outermost inwards. */
      readonly sender: string | null;
      readonly vlans: readonly VlanTag[];
    }
  | { readonly target: string; readonly path: 'none' | 'elsewhere' };

export type Input =
  /** An option written by a user, as text (driver's syntax). */
  | { readonly kind: 'set-option'; readonly option: string; readonly value: string }
  /** An interface joins. The daemon has checked and saved it; it is down; `permanentAddress` is what it came with. */
  | {
      readonly kind: 'join';
      readonly member: MemberIndex;
      readonly link: MemberLink;
      readonly permanentAddress: MacText;
      readonly canSetAddress: boolean;
    }
  /**
   * `open-member` of a join was carried out: the link as it is now. Decides the initial link state (bond_enslave reads
   * the carrier only after dev_open), so `join` itself leaves the member DOWN, not yet counted for active or carrier.
   */
  | { readonly kind: 'opened'; readonly member: MemberIndex; readonly link: MemberLink }
  /** A member leaves: on request (`released`), because its interface went away (`gone`), or because joining failed half-way (`undo`). */
  | { readonly kind: 'leave'; readonly member: MemberIndex; readonly cause: 'released' | 'gone' | 'undo' }
  /** The kernel told something of a member. */
  | { readonly kind: 'member-link'; readonly member: MemberIndex; readonly link: MemberLink }
  /** The kernel told something of the bond's own interface (others may have changed it). */
  | {
      readonly kind: 'bond-link';
      readonly name: string;
      readonly adminUp: boolean;
      readonly mtu: number;
      readonly address: MacText;
      readonly promiscuous: boolean;
      readonly allMulticast: boolean;
    }
  /**
   * The data plane moved traffic by itself because `from` could not send (zero-loss failover). It counts as a lost carrier
   * until the next `member-link`, so whoever tells it reads the link of `from` again and tells that too.
   */
  | { readonly kind: 'diverted'; readonly from: MemberIndex; readonly to: MemberIndex }
  /** Addresses and groups on the bond and on the VLAN devices on top of it, whenever they change. */
  | { readonly kind: 'stack'; readonly devices: readonly StackedDevice[] }
  /** Reception on the members, read from the data plane; given right before a tick of the ARP monitor or a look at silence. */
  | { readonly kind: 'heard'; readonly heard: readonly Heard[] }
  /** An ARP packet or neighbour message came in on a member that arp_validate covers. */
  | { readonly kind: 'answer'; readonly answer: HeardAnswer }
  /** A frame of the slow protocols came in on a member, from its Ethernet header on, with the tags that it came with. */
  | { readonly kind: 'slow-frame'; readonly member: MemberIndex; readonly frame: Uint8Array }
  /** What a data plane kept up of LACP while nobody ran this policy, if only nothing: told once, before anything else, to one that was restored. */
  | { readonly kind: 'lacp-kept'; readonly kept: Kept }
  /** balance-alb: an ARP packet came in on a member, or was sent by the host through the bond (`member` null); with its tags. */
  | { readonly kind: 'arp-frame'; readonly member: MemberIndex | null; readonly frame: Uint8Array }
  /** Routes to all targets of the ARP monitor, whenever they change. */
  | { readonly kind: 'routes'; readonly routes: readonly ProbeRoute[] }
  /** A deadline was reached (or may have been). */
  | { readonly kind: 'time' };

export type Output =
  | { readonly kind: 'set-member-address'; readonly member: MemberIndex; readonly address: MacText }
  | { readonly kind: 'set-member-mtu'; readonly member: MemberIndex; readonly mtu: number }
  | { readonly kind: 'open-member'; readonly member: MemberIndex }
  /** The member leaves the data plane; the driver of the policy restores the interface from what it saved. */
  | { readonly kind: 'detach-member'; readonly member: MemberIndex; readonly restoreAddress: boolean }
  | { readonly kind: 'set-bond-address'; readonly address: MacText }
  /** The bond shall get a new random MAC address (its last member left). */
  | { readonly kind: 'random-bond-address' }
  | { readonly kind: 'set-bond-mtu'; readonly mtu: number }
  | { readonly kind: 'carrier'; readonly on: boolean }
  | { readonly kind: 'forward'; readonly plan: ForwardingPlan }
  /** A frame that the bond itself sends on the bond or on a VLAN device on top of it (gratuitous ARP, unsolicited NA, IGMP/MLD report). */
  | {
      readonly kind: 'send';
      readonly device: number;
      readonly frame: Uint8Array;
      readonly what: 'arp' | 'na' | 'igmp' | 'mld' | 'learning';
    }
  /** A frame that the bond itself sends through one member, past the plan. */
  | {
      readonly kind: 'send-through';
      readonly member: MemberIndex;
      readonly frame: Uint8Array;
      /** lacp: a LACPDU, a marker, the answer to one, or a hello; arp: a client is told by which member it is to send. */
      readonly what: 'learning' | 'lacp' | 'arp';
    }
  /** A question of the ARP monitor to a target, through one member: ARP request, or neighbour solicitation for IPv6. */
  | {
      readonly kind: 'probe';
      readonly member: MemberIndex;
      readonly target: string;
      readonly sender: string | null;
      readonly vlans: readonly VlanTag[];
      /** The MAC address that asks; absent: the member's. */
      readonly source?: MacText;
    }
  /** `option`: the one whose value a warning is about. */
  | { readonly kind: 'event'; readonly event: BondEvent; readonly option?: OptionName };

/** Something worth telling a person, with the reason. */
export interface BondEvent {
  readonly severity: 'info' | 'warning' | 'error';
  readonly type:
    | 'option'
    | 'refused'
    | 'joined'
    | 'left'
    | 'awaited'
    | 'link'
    | 'failover'
    | 'recovered'
    | 'redundancy'
    | 'lost'
    | 'carrier'
    | 'notified'
    | 'address'
    | 'mtu'
    | 'renamed'
    | 'data-plane'
    | 'daemon';
  /** One sentence. */
  readonly message: string;
  readonly member?: string;
  /** For failover: names, null for none. */
  readonly from?: string | null;
  readonly to?: string | null;
  /** For failover: why, one clause ("eth0 lost its carrier", "primary is back", "asked for"). */
  readonly reason?: string;
}

/** link of reference §2.0, with the texts of /proc: up, going down, down, going back. */
export type LinkState = 'up' | 'fail' | 'down' | 'back';

export interface MemberSnapshot {
  readonly member: MemberIndex;
  readonly name: string;
  readonly state: 'active' | 'backup';
  readonly inactive: boolean;
  readonly link: LinkState;
  readonly linkFailureCount: number;
  readonly permanentAddress: MacText;
  readonly address: MacText;
  readonly speedMbps: number | null;
  readonly duplex: 'full' | 'half' | null;
  readonly adminUp: boolean;
  readonly carrier: boolean;
  /** Remaining updelay or downdelay ticks. */
  readonly delayTicks: number;
  readonly prio: number;
  readonly queueId: number;
  readonly actorPortPrio: number;
  readonly canSetAddress: boolean;
}

/** What those who drive a bond ask of it all the time: cheap to give, and nothing of it is to be kept. */
export interface BondFacts {
  readonly name: string;
  readonly mode: ModeName;
  readonly adminUp: boolean;
  readonly carrier: boolean;
  readonly address: MacText;
  readonly mtu: number;
  readonly active: MemberIndex | null;
  /** Milliseconds; 0: that monitor does not run. */
  readonly miimonMs: TimeMs;
  readonly arpIntervalMs: TimeMs;
  /** The silence of LACP's partners is watched: whoever drives it tells `heard` before each deadline. */
  readonly watchesSilence: boolean;
  /** Whom the ARP monitor asks: arp_ip_target, then ns_ip6_target, as canonical text. */
  readonly targets: readonly string[];
  /** use_carrier=1: links are read from the carrier flag. */
  readonly readsCarrierFlag: boolean;
  /** No member ever gets another MAC address (fail_over_mac=active). */
  readonly keepsAddresses: boolean;
}

/** What LACP knows of the port of a member. */
export interface PortSnapshot {
  readonly member: MemberIndex;
  /** Number of the aggregator that it uses; null before its first tick. */
  readonly aggregator: number | null;
  readonly isInActive: boolean;
  /** The bond sends through it: by LACP, or without it while nobody speaks (lacp_fallback), and not while it is passed over (lacp_fast_silence). */
  readonly carries: boolean;
  readonly actor: LacpEnd;
  readonly partner: LacpEnd;
  readonly receive: ReceiveState;
  readonly mux: MuxState;
  readonly actorChurn: ChurnState;
  readonly partnerChurn: ChurnState;
  readonly actorChurnedCount: number;
  readonly partnerChurnedCount: number;
  readonly counts: Readonly<SlowCounts>;
  /** What keeps it from carrying, as far as that can be told; `text` is one clause. */
  readonly explanation: Explanation | null;
}

/** What an 802.3ad bond has found out. */
export interface LacpSnapshot {
  readonly system: MacText;
  readonly systemPriority: number;
  /** The aggregator that traffic goes by. `ports`: those with their link up, in sync or not. */
  readonly active: {
    readonly id: number;
    readonly ports: number;
    readonly actorKey: number;
    readonly partnerKey: number;
    readonly partnerSystem: MacText;
  } | null;
  /** In the order of the members; those that were not set up yet have none. */
  readonly ports: readonly PortSnapshot[];
}

/** Everything that reports, the API, tests and a restarted daemon need; plain JSON. */
export interface BondSnapshot {
  readonly name: string;
  readonly mode: ModeName;
  readonly options: OptionValues;
  readonly adminUp: boolean;
  readonly carrier: boolean;
  readonly address: MacText;
  /** True while nobody but chance chose the bond's MAC: the first member's is copied. */
  readonly addressIsRandom: boolean;
  readonly mtu: number;
  readonly active: MemberIndex | null;
  readonly members: readonly MemberSnapshot[];
  /** In mode 802.3ad, once it has members. */
  readonly lacp?: LacpSnapshot;
}

/** What a refused input returns; accepted inputs return nothing of interest. */
export type Handled = Result<undefined, Refusal>;

/** The bond as a sans-IO object: deterministic, no clock, no randomness, no input or output of its own. */
export interface BondPolicy {
  /** One input at `now`. A refused one changes nothing. */
  handle(input: Input, now: TimeMs): Handled;
  /** Outputs since the last call, in the order in which they are to be carried out. */
  outputs(): Output[];
  /** When `handle({kind: 'time'})` is wanted next, or null. */
  deadline(): TimeMs | null;
  /**
   * Nobody asks for carriers until then: as long as nothing else comes in, ticks of the MII monitor that would find nothing are left
   * out, and `deadline()` tells the first one that is not. The ticks after an input are those that would have come in any case.
   */
  rest(untilMs: TimeMs): void;
  snapshot(): BondSnapshot;
  /** Another number than before where the snapshot may say something else than before. */
  revision(): number;
  facts(): BondFacts;
  /** What LACP is to go on with while nobody runs this policy; null: nothing. Another one only where `revision()` is another. */
  lease(): Lease | null;
  /** The members alone, as they are now and not copied: for those who ask at every tick, and keep nothing of it. */
  members(): readonly MemberSnapshot[];
}
