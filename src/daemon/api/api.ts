// The control API as types: JSON over HTTP on a Unix socket (RUN_DIR/control.sock). What the CLI, scripts and a
// dashboard may rely on. The addresses are the rows of addresses.ts.
//
// While a daemon makes the bonds of its --config file, changes by others are refused with 503 and the code `starting`.
// Anything refused answers with a 4xx or 5xx status and ErrorBody. A request that is refused has changed nothing.
import type { BondEvent, OptionValues, PortSnapshot } from '../../policy/index.js';
import type { UplinkEvent } from '../../uplinks/index.js';

/** Packets and bytes since the interface exists. */
export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

export interface ShowMember {
  readonly name: string;
  readonly state: 'active' | 'backup';
  readonly miiStatus: 'up' | 'going down' | 'down' | 'going back';
  readonly linkFailureCount: number;
  readonly permanentAddress: string;
  readonly address: string;
  readonly speedMbps: number | null;
  readonly duplex: 'full' | 'half' | null;
  readonly rx: Counters;
  readonly tx: Counters;
  /** Milliseconds since something came in, looked at once a second; null when nothing did since the daemon looks. */
  readonly lastReceivedMs: number | null;
  /** Of the active member, when it sends and hears nothing: what is behind its link may be dead. */
  readonly silence: MemberSilence | null;
  /** Of a usable member that waits, when it hears nothing while much comes in by the active one: it may be right so. */
  readonly deafness?: MemberDeafness;
  /** In 802.3ad, once the member was set up. */
  readonly lacp?: ShowLacpPort;
}

/** One end of a link as LACP has it (IEEE 802.1AX): numbers of 16 bits, `system` a MAC address. */
export interface ShowLacpEnd {
  readonly systemPriority: number;
  readonly system: string;
  readonly key: number;
  readonly portPriority: number;
  readonly port: number;
  /**
   * Actor_State, eight flags from 1 to 128: activity, short timeout, aggregation, sync, collecting, distributing, defaulted,
   * expired.
   */
  readonly state: number;
}

/** The flags of `state` with the letters that stand for them in `bondwire show`. */
export const LACP_FLAGS = [
  { letter: 'A', bit: 1 },
  { letter: 'T', bit: 2 },
  { letter: 'G', bit: 4 },
  { letter: 'S', bit: 8 },
  { letter: 'C', bit: 16 },
  { letter: 'D', bit: 32 },
  { letter: 'F', bit: 64 },
  { letter: 'E', bit: 128 },
] as const;

/** Frames of the slow protocols: the driver's xstats. */
export interface ShowSlowCounts {
  readonly lacpduIn: number;
  readonly lacpduOut: number;
  readonly unknownIn: number;
  readonly illegalIn: number;
  readonly markerIn: number;
  readonly markerOut: number;
  readonly markerResponseIn: number;
  readonly markerResponseOut: number;
  readonly markerUnknownIn: number;
}

/** A member's port in 802.3ad. */
export interface ShowLacpPort {
  /** Number of its aggregator; null before its first tick. */
  readonly aggregator: number | null;
  /** Its aggregator is the one that traffic goes by. */
  readonly isInActive: boolean;
  /** The bond's traffic goes by this member. */
  readonly carries: boolean;
  readonly actor: ShowLacpEnd;
  /** As heard last; system 00:00:00:00:00:00 when nobody was heard. */
  readonly partner: ShowLacpEnd;
  /** States of the receive, mux and churn machines. */
  readonly receive: string;
  readonly mux: string;
  readonly actorChurn: string;
  readonly partnerChurn: string;
  readonly actorChurnedCount: number;
  readonly partnerChurnedCount: number;
  /** Frames of the slow protocols since the port was made. */
  readonly counts: ShowSlowCounts;
  /** What keeps it from carrying, as far as that can be told; `text` is one clause. */
  readonly explanation: PortSnapshot['explanation'];
}

/** What a bond in 802.3ad agreed on with its partner. */
export interface ShowLacp {
  readonly system: string;
  readonly systemPriority: number;
  /** The aggregator that traffic goes by. `ports`: those with their link up, in sync or not. */
  readonly active: {
    readonly id: number;
    readonly ports: number;
    readonly actorKey: number;
    readonly partnerKey: number;
    /** 00:00:00:00:00:00 while nobody speaks LACP at the other end. */
    readonly partnerSystem: string;
  } | null;
}

export interface MemberDeafness {
  readonly forMs: number;
  /** Frames that the active member received in that time. */
  readonly activeReceived: number;
}

export interface MemberSilence {
  /** Frames that were sent since. */
  readonly sent: number;
  readonly forMs: number;
  /** Frames that the other members received in that time. */
  readonly othersReceived: number;
}

export interface ShowBond {
  readonly name: string;
  readonly mode: string;
  /** Which data plane moves the packets. */
  readonly dataPlane: 'ebpf' | 'userspace';
  /** How it is attached, and how it asks a member for its carrier: for people. */
  readonly dataPlaneDetail: string;
  /** Why its packets stop when the daemon ends although it is on eBPF: one clause. Absent where they go on. */
  readonly lifetimeProblem?: string;
  /** True when the data plane moves traffic by itself the moment the active member cannot send. */
  readonly inlineFailover: boolean;
  readonly adminUp: boolean;
  readonly carrier: boolean;
  readonly active: string | null;
  /** When that one took over: ISO 8601. Absent where no failover to it is remembered. */
  readonly activeSince?: string;
  readonly address: string;
  readonly mtu: number;
  readonly options: OptionValues;
  readonly rx: Counters;
  readonly tx: Counters;
  /** Frames that no member could take. */
  readonly txDropped: number;
  readonly members: readonly ShowMember[];
  /** In 802.3ad. */
  readonly lacp?: ShowLacp;
  /** Interfaces that join when they appear. */
  readonly awaited: readonly string[];
}

/** What `show --json` prints. */
export interface ShowDocument {
  readonly bonds: readonly ShowBond[];
  /** As in DaemonStatus: there may be more bonds in a moment. */
  readonly starting?: string;
}

/** The members with all the names by which they are known (`ip link property`). */
export interface MembersDocument {
  readonly members: readonly { readonly name: string; readonly alternativeNames: readonly string[] }[];
}

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  readonly runDir: string;
  readonly bonds: readonly string[];
  /** Bonds that this daemon found working when it started. */
  readonly adopted: readonly string[];
  /** True when a supervisor starts it again when it dies. */
  readonly supervised: boolean;
  /** The file whose bonds it is making since its start; absent when that is done. */
  readonly starting?: string;
}

export interface CreateRequest {
  readonly name: string;
  /** Driver's option names to text values, in any order; `address`, `mtu` and `ip` are not options. */
  readonly options: Readonly<Record<string, string>>;
}

export interface EnslaveRequest {
  readonly interfaces: readonly string[];
  /** An interface that is up may join: it is taken down first. */
  readonly takeDown?: boolean;
  /** Addresses and routes of the interface move to the bond. */
  readonly takeAddresses?: boolean;
  /**
   * An interface that is not there is awaited instead of refused: it joins when it appears. One that is there joins
   * again when it comes back after its removal. Until it is released.
   */
  readonly await?: boolean;
  /** One that vanishes is not awaited, as every member is otherwise. Not together with `await`. */
  readonly forget?: boolean;
  /** Options of a member (`prio`, `queue_id`, without its name) for each that joins, now or when it appears. */
  readonly options?: Readonly<Record<string, string>>;
}

export interface ReleaseRequest {
  readonly interfaces: readonly string[];
}

export interface SetRequest {
  /** Applied in the driver's order, all or none. */
  readonly options: Readonly<Record<string, string>>;
}

export interface AddressesRequest {
  /** CIDR texts, such as 192.0.2.1/24. */
  readonly addresses: readonly string[];
}

export interface LinkRequest {
  readonly mtu?: number;
  /** MAC address. */
  readonly address?: string;
}

export interface RouteRequest {
  /** `default` or a CIDR text. */
  readonly to: string;
  /** The gateway's address. */
  readonly via: string;
  /** The gateway is a neighbour, whatever the addresses of the bond (`ip route add … onlink`). */
  readonly onLink?: boolean | undefined;
}

export interface RoutesRequest {
  readonly routes: readonly RouteRequest[];
}

/** What a file says of a bond, or made of it. */
export interface Described {
  /** CIDR texts. */
  readonly addresses: readonly string[];
  readonly routes: readonly RouteRequest[];
  readonly members: readonly string[];
  /** Names of options. */
  readonly options: readonly string[];
}

/** Of a bond that no file was carried out with. */
export const NOTHING_DESCRIBED: Described = { addresses: [], routes: [], members: [], options: [] };

/**
 * A file is carried out with a bond. Before its parts are made (`isMade` false) it is noted what will be of its making, and routes and
 * options that an earlier file made and this one does not have go; afterwards (`isMade` true) such addresses and members.
 */
export interface DescribedRequest extends Described {
  readonly isMade: boolean;
}

/** What a file could say of the bond's own interface, as it is now. */
export interface DescribedDocument {
  readonly addresses: readonly string[];
  readonly routes: readonly RouteRequest[];
  /** What it could not say: for people. */
  readonly more: readonly string[];
}

/** A bond as a bondwire.yaml says it. */
export interface ConfigBond {
  readonly name: string;
  /** Driver's option names to text values, those of members (`active_slave`) too. */
  readonly options: Readonly<Record<string, string>>;
  /** In order of joining, with options of their own (`prio`, `queue_id`) as text. */
  readonly members: readonly { readonly name: string; readonly options: Readonly<Record<string, string>> }[];
  readonly takeDown: boolean;
  /** CIDR texts. */
  readonly addresses: readonly string[];
  readonly routes: readonly RouteRequest[];
  readonly mtu: number | null;
  /** MAC address; null: that of its first member. */
  readonly mac: string | null;
  readonly up: boolean;
}

/** Bonds that are to be as described, in this order, all or none. Bonds that are not named are left as they are. */
export interface ConfigRequest {
  readonly bonds: readonly ConfigBond[];
  /** Also where a bond does not say so. */
  readonly takeDown?: boolean;
  /** Addresses and routes of interfaces that join move to the bond. */
  readonly takeAddresses?: boolean;
  /**
   * At the start of a daemon: each bond for itself, and a member that is missing is awaited. One that cannot be as described is left as
   * it is, or not made; that is refused only where no bond would be there at all. A machine must not lose its connection for a dead card.
   */
  readonly isLenient?: boolean;
}

/** What became of one bond of a ConfigRequest. */
export interface ConfiguredBond {
  readonly name: string;
  /** `left`: it is as it was; `unmade`: it is not there. */
  readonly outcome: 'made' | 'changed' | 'left' | 'unmade';
  readonly warnings: readonly string[];
  /** What an earlier file made and this one does not have: it went. */
  readonly removed: readonly string[];
  /** Why it is not, or not all, as described: a sentence. */
  readonly problem?: string;
  /** What became of what was done before that: sentences. */
  readonly undone: readonly string[];
}

/** A ConfigRequest was carried out. */
export interface Configured {
  readonly done: true;
  readonly bonds: readonly ConfiguredBond[];
}

/** A change was carried out. `warnings` are sentences that the user must see (for example: no monitoring). */
export interface Changed {
  readonly done: true;
  readonly warnings: readonly string[];
  /** What went, where the request says what is to be left. */
  readonly removed?: readonly string[];
}

export interface ErrorBody {
  readonly error: {
    /** Refusal code, `invalid-request`, `not-found` or `internal`. */
    readonly code: string;
    /** errno name, the driver's where it has one. */
    readonly errno: string;
    /** What was refused, why, what to do. */
    readonly message: string;
    /** Of a ConfigRequest: what became of all that was done before that; sentences. */
    readonly undone?: readonly string[];
  };
}

/** What happened, to a bond, to the uplink or to the daemon itself. */
export interface EventRecord
  extends Omit<BondEvent, 'type'>,
    Partial<Omit<UplinkEvent, 'kind' | 'level' | 'message'>> {
  readonly type: BondEvent['type'] | UplinkEvent['kind'];
  /** Grows by one; never repeats in one run directory. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  /** Empty for the daemon's own, and for those of the uplink. */
  readonly bond: string;
  /** Its name, of what happened to it. */
  readonly uplink?: string;
  /** How long nothing could be sent, for a failover, where known. */
  readonly outageMs?: number;
  /** Frames that were lost to the failure, where known. */
  readonly lostPackets?: number;
}

/** In 802.3ad a member is usable that its partner agreed on; in other modes one whose link is up. */
export function isUsable({ miiStatus, lacp }: ShowMember): boolean {
  return miiStatus === 'up' && (lacp === undefined || lacp.carries);
}

/** Whether a failure would be survived: members that could take over count, whatever the mode does with them. */
export function redundancyOf({ members, awaited }: ShowBond): 'several' | 'one' | 'none' | 'never' {
  const usable = members.filter(isUsable).length;
  if (usable > 1) return 'several';
  if (usable === 0) return 'none';
  return members.length + awaited.length > 1 ? 'one' : 'never';
}

/** Exit codes of every command. */
export const EXIT = { done: 0, refused: 1, usage: 2, noDaemon: 3, permission: 4 } as const;

/** Where socket, state, log and the bpffs live unless `--run-dir` or BONDWIRE_RUN_DIR says otherwise. */
export const DEFAULT_RUN_DIR = '/run/bondwire';

/** By this header with a key, whoever makes the bonds that a daemon was started for is told from others. */
export const STARTING_HEADER = 'x-bondwire-starting';

/** The control socket inside a run directory. */
export function controlSocketPath(runDir: string): string {
  return `${runDir}/control.sock`;
}
