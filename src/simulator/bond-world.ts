// What a simulated bond lives in: the clock, chance, how quick its machine is, and who makes its policy. (simulator)
import type { Refusal, Result } from '../base/index.js';
import type { Intake, KeptPolicy, Links, Packets, SavedKeeping } from '../keeper/index.js';
import type { BondEvent, NewBond, SavedBond } from '../policy/index.js';
import type { Clock } from './clock.js';
import type { Frame } from './frame.js';
import type { IpDevice } from './ip-stack.js';
import type { NetworkInterface } from './network-interface.js';
import type { Random } from './random.js';
import type { Step } from './steps.js';
import type { SimulatedBond } from './simulated-bond.js';

/** `Bond`, or one that was broken on purpose to see that it is caught. */
export type SimulatedPolicy = KeptPolicy;

export interface PolicyMaker {
  create(wish: NewBond): Result<SimulatedPolicy, Refusal>;
  restore(saved: SavedBond, now: number): SimulatedPolicy;
}

/** What a planted bug changes of a keeper: the calls that it makes, and what it writes down. Absent: nothing. */
export interface KeeperPlant {
  readonly links?: Partial<Links>;
  readonly packets?: Partial<Packets>;
  readonly intake?: Partial<Intake>;
  /** False: what must be written before an act is not. */
  readonly notes?: boolean;
  readonly written?: (saved: SavedKeeping) => SavedKeeping;
}

/** How quick the simulated machine is, in ms. */
export interface Pace {
  /** From a change of carrier to the kernel's word on it (link-watch). */
  readonly linkWatchMs: number;
  /** From any other change, and from a diversion, to its news. */
  readonly newsMs: number;
  /** A timer is late by up to so much, by chance. */
  readonly timerLateMs: number;
  /** Members are asked for their carrier no more often than this: the kernel tells at once. Absent: before each tick. */
  readonly askedEveryMs?: number;
}

/** The world that a bond lives in. */
export interface BondWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly pace: Pace;
  readonly policies: PolicyMaker;
  /** True when daemons are killed in this scenario, so that state must be kept as the daemon does. */
  readonly keepState: boolean;
  readonly hostName: string;
  findInterface(name: string): NetworkInterface | undefined;
  interfaceAt(ifindex: number): NetworkInterface | undefined;
  /** All bonds of the host. */
  bonds(): readonly SimulatedBond[];
  bondOf(nic: NetworkInterface): SimulatedBond | undefined;
  /** Around each act of a daemon; absent: nothing happens to it. */
  readonly step?: Step;
  /** A bug that was planted in what keeps bonds, to see that it is caught. */
  readonly plant?: KeeperPlant;
  deliver(device: IpDevice, frame: Frame): void;
  /** An input was handled with all that follows. */
  stepped(bond: SimulatedBond): void;
  told(bond: SimulatedBond, event: BondEvent): void;
}
