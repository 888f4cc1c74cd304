// What every data plane gives: it moves the packets of one bond by the policy's plan, and says what it did by itself.
import type { ForwardingPlan, Kept, Lease, MemberIndex } from '../policy/index.js';

/** The data plane moved traffic by itself, because `from` could not send. */
export interface Diversion {
  readonly from: MemberIndex | null;
  readonly to: MemberIndex;
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly atNs: bigint;
}

/** What was lost to failures since the last call, as counted on every packet. */
export interface Loss {
  /** Frames handed to a member that could not send them, or that found no member at all. */
  readonly packets: number;
  /** When the first of them was lost, CLOCK_MONOTONIC nanoseconds; null when none was. */
  readonly sinceNs: bigint | null;
}

/** The data planes on real interfaces, by the words of the option `data_plane`. */
export type DataPlaneKind = 'ebpf' | 'userspace';

/** Where a bond keeps its parts. */
export interface BondPlaces {
  /** Directory in a bpffs, of this bond alone; only the eBPF data plane makes it. */
  readonly pins: string;
  /** File for what cannot be pinned. */
  readonly partsFile: string;
}

/** What it takes to make a bond. */
export interface NewBond extends BondPlaces {
  readonly name: string;
  readonly lowerName: string;
  /** MAC; the kernel's random one where absent. */
  readonly address?: string;
  readonly mtu: number;
}

/** What is known, beside its parts, of a bond that an earlier daemon made. */
export interface KnownBond {
  readonly lowerName: string;
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  /** Interfaces that are members. */
  readonly members: readonly MemberIndex[];
  /** What it is to do. */
  readonly plan: ForwardingPlan;
}

/** LACP that goes on while no daemon is there: see the policy's lease. */
export interface Leases {
  /** A daemon is there and looks after LACP; one that says so no more is held for gone. */
  beat(): void;
  /** Makes this what goes on without one, from now on. Null: nothing. */
  keep(lease: Lease | null): void;
  /** Why partners are answered at best, and nothing is said to them unasked: one clause; undefined where it is. */
  readonly problem?: string | undefined;
  /** What went on since the last daemon, told once; undefined where there was none, or nothing was to go on. */
  take(): Kept | undefined;
}

/** The packets of one bond. */
export interface BondDataPlane {
  readonly kind: DataPlaneKind;
  /** How it is attached and how it asks members for their carrier, in words. */
  readonly detail: string;
  /** True when it can see on every packet whether the member can send: inline failover and exact loss counts need that. */
  readonly checksCarrier: boolean;
  /** Why the queue that a frame was put into cannot choose its member (queue_id): one clause; undefined where it can. */
  readonly queuesProblem: string | undefined;
  /** Why packets stop when the daemon ends, or no later daemon can take them over: one clause; undefined where they go on. */
  readonly lifetimeProblem: string | undefined;
  /** Why its working parts were made anew when it was taken over: one clause; undefined where they were not. */
  readonly renewed: string | undefined;
  /** The interface that people see. */
  readonly bondIfindex: number;
  /** The far end of the pair that the bond is one end of. */
  readonly lowerIfindex: number;
  /** Takes an interface in; its frames go nowhere until a plan names it. Throws SystemError, having undone its own part. */
  addMember(member: MemberIndex): void;
  /** Lets it go. Quiet when the interface is already gone. */
  removeMember(member: MemberIndex): void;
  /**
   * Frames that a member receives with one of these VLAN tags (`tagNumber`) are not the bond's from now on: VLAN devices on the
   * member itself take them, whether it is active or not (kernel: vlan_do_receive comes before the bond). A joining member has none.
   */
  leaveTagged(member: MemberIndex, tags: readonly number[]): void;
  /** Makes the plan true, at once, without losing a frame. */
  apply(plan: ForwardingPlan): void;
  /** A member got another qdisc, or lost one: where frames may go past it, that is part of how the plan is carried out. */
  qdiscsChanged(): void;
  /** The bond's carrier as others see it. */
  setCarrier(on: boolean): void;
  /** The bond has another MTU, or another name. */
  setMtu(mtu: number): void;
  renamed(bondName: string): void;
  /** The member that sends now; after a diversion not the one that the plan named. */
  current(): MemberIndex | null;
  members(): readonly MemberIndex[];
  /** When a member last received a frame, CLOCK_MONOTONIC nanoseconds, as far as the plan wants that noted; null: never. */
  lastReceivedNs(member: MemberIndex): bigint | null;
  /** Frames lost to failures since the last call. */
  takeLoss(): Loss;
  /** All frames that found no member, since the bond exists. */
  droppedTotal(): number;
  /** Calls back for every diversion until closed. */
  onDiverted(callback: (diversion: Diversion) => void): void;
  /** Calls back now for those that wait, such as from before this process. */
  pollDiversions(): void;
  /** Writes down anew what leads a later daemon to it: the run directory was emptied. */
  noteAgain(): void;
  /** Undefined where nothing is said without the daemon. */
  readonly leases: Leases | undefined;
  /** Lets go of it. On eBPF packets go on without us; in user space they wait for whoever takes it over. */
  close(): void;
  /** Takes it down, with everything it made. */
  destroy(): void;
}
