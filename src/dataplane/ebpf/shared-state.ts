// The value of the one-element array map that the programs of a bond and the daemon share: the plan, and what happened.
import { array, bytes, layout } from '../../ebpf/index.js';
import { CLIENT_PLACES } from '../../policy/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { LEASE, LEASING } from './lease-state.js';

/** `current` when no member sends. */
export const NO_SLOT = 0xffff_ffff;

/** Processors that count their turns apart; more share a cell. */
export const TURN_CELLS = 64;

/** Grows when the layout or the meaning of a field changes; a daemon adopts only its own. */
export const LAYOUT_VERSION = 8;

/** Transmit queues of a bond (kernel BOND_DEFAULT_TX_QUEUES), and so the highest queue_id. */
export const TX_QUEUES = 16;

/** Bits of `SHARED.flags`. */
export const SHARED_FLAGS = {
  /** The programs may move `current` by themselves when it cannot send. */
  divert: 1,
  /** 802.3ad: they may pass over a member that cannot send, to another usable one. Who is heard stays as the plan says. */
  pass: 2,
  /** 802.3ad: frames of the slow protocols stay at the member, as the driver's hook takes them. */
  keepSlow: 4,
  /** balance-alb: what comes in for the address of a member is for the bond. */
  ownAddresses: 8,
} as const;

/** Bits of `MEMBER.flags`. */
export const MEMBER_FLAGS = {
  /** Received frames are accepted although the member is not `current` (all_slaves_active). */
  acceptAlways: 1,
  /** It may carry frames as the policy sees it; read where several members send. */
  usable: 2,
  /** The time of every received frame is noted. */
  timed: 4,
} as const;

/**
 * Frames lost, since the bond exists. Only the programs write `count`, only the daemon `taken`, so that no frame is counted
 * twice or forgotten; `firstNs` is the time (CLOCK_MONOTONIC) of the first frame after `taken`.
 */
export const LOSS = layout({
  count: 'u64',
  taken: 'u64',
  firstNs: 'u64',
});

/** One slot. `ifindex` 0: free, and nothing is sent into it. Two cache lines; what balance-tlb alone reads is in the second. */
export const MEMBER = layout({
  ifindex: 'u32',
  flags: 'u32',
  /** Address of the kernel's struct net_device, 0 when it is not known: then the programs trust the plan. */
  device: 'u64',
  /** Frames sent into it although it could not send. */
  dead: LOSS,
  /** 1 when the programs told that it cannot send, until it is usable again; read where several members send. */
  noticed: 'u32',
  /** balance-tlb: Mbit/s. */
  speed: 'u32',
  /** balance-tlb: who joined before has a lower one. */
  rank: 'u32',
  reserved: bytes(4),
  /** When the last frame came in (CLOCK_MONOTONIC), while `timed` is set; 0: never. */
  receivedNs: 'u64',
  /** balance-tlb: bytes a second of the flows given to it, as they were before; counts while `loadPeriod` is the period. */
  load: 'u64',
  loadPeriod: 'u64',
  /** balance-tlb: source address of what leaves by it while it is not `current`. */
  source: bytes(6),
  unused: bytes(42),
});

/** Flows of balance-tlb, by the lowest bits of their hash (TLB_HASH_TABLE_SIZE). */
export const FLOWS = 256;

/** Seconds after which the flows are given out anew (BOND_TLB_REBALANCE_INTERVAL). */
export const REBALANCE_SECONDS = 10;

/** All flows of one hash. */
export const FLOW = layout({
  /** Slot that they leave by, plus one; 0: none yet in `period`. */
  slot: 'u64',
  period: 'u64',
  /** Bytes sent in the period. */
  bytes: 'u64',
  /** Bytes a second of the last period in which there were any. */
  history: 'u64',
});

/** What balance-tlb keeps for all members. */
export const BALANCING = layout({
  /** Grows whenever the flows are to be given out anew. */
  period: 'u64',
  /** The plan's count of such occasions, as far as `period` followed it. */
  asked: 'u64',
  /** When the programs let it grow last (CLOCK_MONOTONIC). */
  sinceNs: 'u64',
  /** Bytes of frames that go by the active member in any case: in this period, and a second in the last one. */
  unbalanced: 'u64',
  unbalancedRate: 'u64',
});

/** A client of balance-alb, by the place of its address. IP addresses as they lie in a frame. */
export const CLIENT = layout({
  ourIp: 'u32',
  ip: 'u32',
  /** Slot of its member, plus one; 0: none. */
  slot: 'u32',
  reserved: bytes(4),
});

/** What balance-alb needs for all clients. */
export const RECEIVERS = layout({
  /** Slot, plus one, that the next client gets; 0: nobody is given out. */
  next: 'u32',
  bondAddress: bytes(6),
  reserved: bytes(2),
});

export const SHARED = layout({
  version: 'u32',
  /** Slot that sends, and whose received frames are accepted. The programs change it only by compare-and-exchange. */
  current: 'u32',
  /**
   * How many slots, in which of the two halves (ORDER_SECOND), how many of them are usable, and the number of the change: one
   * word, so one store changes all.
   */
  order: 'u32',
  flags: 'u32',
  lowerIfindex: 'u32',
  /** balance-rr: frames on one member before the next has its turn; 0: each by chance. */
  packetsPerSlave: 'u32',
  /** Address of the namespace (struct net) that all members were in when they joined. */
  net: 'u64',
  /** How often the programs moved `current`. */
  switches: 'u64',
  /** Frames that found no member. */
  drops: LOSS,
  /** Slots in the order in which the programs try them, twice: one half is read while the other is written. */
  slots: array(2 * MAX_MEMBERS, 'u32'),
  members: array(MAX_MEMBERS, MEMBER),
  /** balance-rr: frames sent so far, for each processor; cells apart, so that they do not share a cache line. */
  turns: array(TURN_CELLS, layout({ count: 'u32', reserved: bytes(60) })),
  balancing: BALANCING,
  flows: array(FLOWS, FLOW),
  /** Slot, plus one, of the member that a transmit queue is tied to; 0: none. Queue 0 is nobody's. */
  queues: array(TX_QUEUES + 1, 'u32'),
  /** balance-alb; programs reach it without adding to an address, and the table, which is behind everything else, by adding. */
  receivers: RECEIVERS,
  /** 802.3ad: for how long LACP goes on without a daemon, and by slot with what. */
  leasing: LEASING,
  leases: array(MAX_MEMBERS, LEASE),
  clients: array(CLIENT_PLACES, CLIENT),
});

/** Bit of `SHARED.order`: the second half of `slots` counts. Below it: the number of slots. */
export const ORDER_SECOND = 0x80;

/** From this bit of `SHARED.order` on, seven bits: how many of the first slots are usable. */
export const ORDER_USABLE_SHIFT = 8;

/** From this bit of `SHARED.order` on: a number that grows with every change. */
export const ORDER_CHANGE_SHIFT = 15;

/** A record in the ring buffer: the programs moved `current`. */
export const DIVERSION = layout({
  /** NO_SLOT when there was none. */
  fromSlot: 'u32',
  toSlot: 'u32',
  atNs: 'u64',
});

/** Names of the maps, as the programs refer to them. */
export const STATE_MAP = 'bw_state';
export const EVENTS_MAP = 'bw_events';
