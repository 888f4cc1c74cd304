// What programs and daemon share of the lease: LACP goes on without a daemon, by what the last one stored here.
import { bytes, layout } from '../../ebpf/index.js';

/** `LEASE.state`. The daemon writes all of a lease while it is `none`; only programs make it `ended`, only daemons anything else. */
export const LEASE_STATE = {
  none: 0,
  /** The partner says what is stored, as far as it said anything. */
  holds: 1,
  /** The partner said something else, or the carrier was away: nothing is said any more until a daemon looked. */
  ended: 2,
} as const;

/** Of a bond. */
export const LEASING = layout({
  /** When the daemon was there last (CLOCK_MONOTONIC). */
  daemonNs: 'u64',
  /** Nothing is said by the programs after that. */
  untilNs: 'u64',
  reserved: bytes(48),
});

/** Bytes of a LACPDU from the Ethernet header on. */
export const LACPDU_BYTES = 124;

/** Where the partner's words lie in a LACPDU: twice eight bytes, which overlap, cover all of an end but its flags. */
export const PDU_AT = {
  subtype: 14,
  actorHead: 18,
  actorTail: 24,
  actorFlags: 32,
  viewHead: 38,
  viewTail: 44,
  viewFlags: 52,
} as const;

/** What the daemon stores. */
export const TERMS = layout({
  /** Silence of the partner that is too long, and ours that is long enough by what it asks for. */
  silenceNs: 'u64',
  pauseNs: 'u64',
  /** What the partner is to say of itself, and of us: words of its LACPDU as they lie in memory, at the places of PDU_AT. */
  actorHead: 'u64',
  actorTail: 'u64',
  viewHead: 'u64',
  viewTail: 'u64',
  /** net_device.carrier_down_count as it was when the lease was stored: a link that was away since is another. */
  carrierDowns: 'u32',
  actorFlags: 'u8',
  viewFlags: 'u8',
  unused: bytes(2),
  /** What it is answered. */
  answer: bytes(LACPDU_BYTES),
  padding: bytes(4),
});

/** Of a slot. */
export const LEASE = layout({
  state: 'u32',
  reserved: bytes(4),
  /** When a LACPDU came in that said what is stored. */
  heardNs: 'u64',
  /** When the programs said something last, and how often they did: as an answer, and by themselves. */
  saidNs: 'u64',
  answers: 'u64',
  beats: 'u64',
  /** When they took the member out of use; 0: they did not. */
  cutNs: 'u64',
  terms: TERMS,
  padding: bytes(24),
});
