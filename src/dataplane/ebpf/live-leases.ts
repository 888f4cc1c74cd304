// The daemon's hand on the leases of a bond. Programs read a lease as a whole only while it holds, so it is taken back before anything
// of it is written.
import { toBytes } from '../../ebpf/index.js';
import { PORT_STATE } from '../../frames/index.js';
import type { CarriedLease } from './carried-state.js';
import { LACPDU_BYTES, LEASE, LEASE_STATE, LEASING, PDU_AT, TERMS } from './lease-state.js';
import { SHARED } from './shared-state.js';

/** LACPDUs as a slot's programs are to hear and to say them, from the Ethernet header on. */
export interface SlotLease {
  readonly expected: Uint8Array;
  readonly answer: Uint8Array;
  /** Silence of the partner that is too long. */
  readonly silenceNs: bigint;
  readonly carrierDowns: number;
}

/** What became of a lease. */
export interface SlotLeaseSeen {
  /** What was said last, by whoever said it. */
  readonly answer: Uint8Array;
  readonly hasEnded: boolean;
  /** CLOCK_MONOTONIC; 0: never. */
  readonly heardNs: bigint;
  /** When the programs took the member out of use; 0: they did not. */
  readonly cutNs: bigint;
  /** LACPDUs of the programs, as far as they were not taken. */
  readonly said: number;
}

/** Between two LACPDUs that nobody asked for: a little less than the partner wants, as beats come once a second. */
const SHORT_PAUSE_NS = 700_000_000n;
const LONG_PAUSE_NS = 28_000_000_000n;

const WORD = 4;
const LONG = 8;
const { stride: STRIDE } = SHARED.fields.leases.type;
const LEASING_AT = SHARED.fields.leasing.offset;

const LONG_FIELDS = ['heardNs', 'saidNs', 'answers', 'beats', 'cutNs'] as const;

type LongField = (typeof LONG_FIELDS)[number];

export class LiveLeases {
  readonly #buffer: ArrayBuffer;
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;

  constructor(buffer: ArrayBuffer) {
    this.#buffer = buffer;
    this.#words = new Uint32Array(buffer, 0, Math.floor(SHARED.size / WORD));
    this.#longs = new BigUint64Array(buffer, 0, Math.floor(SHARED.size / LONG));
  }

  /** A daemon is there. */
  beat(nowNs: bigint): void {
    Atomics.store(this.#longs, (LEASING_AT + LEASING.offset('daemonNs')) / LONG, nowNs);
  }

  /** Programs speak until then, where no daemon is there. */
  last(untilNs: bigint): void {
    Atomics.store(this.#longs, (LEASING_AT + LEASING.offset('untilNs')) / LONG, untilNs);
  }

  /** When a daemon was there last; 0: never. */
  get daemonNs(): bigint {
    return Atomics.load(this.#longs, (LEASING_AT + LEASING.offset('daemonNs')) / LONG);
  }

  /** Programs say nothing for the slot. */
  end(slot: number): void {
    this.#publish(slot, LEASE_STATE.none);
  }

  /** The slot has another member. */
  forget(slot: number): void {
    this.end(slot);
    for (const field of LONG_FIELDS) this.#setLong(slot, field, 0n);
  }

  /** Stores a lease, unless it is stored already and holds. `heardNs`: when the partner was heard, where no program noted it. */
  store(slot: number, { expected, answer, silenceNs, carrierDowns }: SlotLease, heardNs: bigint): void {
    const said = new DataView(expected.buffer, expected.byteOffset, LACPDU_BYTES);
    const terms = toBytes(TERMS, {
      silenceNs,
      pauseNs: (said.getUint8(PDU_AT.actorFlags) & PORT_STATE.TIMEOUT) === 0 ? LONG_PAUSE_NS : SHORT_PAUSE_NS,
      actorHead: said.getBigUint64(PDU_AT.actorHead, true),
      actorTail: said.getBigUint64(PDU_AT.actorTail, true),
      viewHead: said.getBigUint64(PDU_AT.viewHead, true),
      viewTail: said.getBigUint64(PDU_AT.viewTail, true),
      carrierDowns,
      actorFlags: said.getUint8(PDU_AT.actorFlags),
      viewFlags: said.getUint8(PDU_AT.viewFlags),
      unused: new Uint8Array(2),
      answer,
      padding: new Uint8Array(4),
    });
    const stored = Buffer.from(this.#buffer, this.#at(slot) + LEASE.fields.terms.offset, TERMS.size);
    const held = this.#state(slot) === LEASE_STATE.holds;
    if (held && stored.equals(terms)) return;
    this.end(slot);
    stored.set(terms);
    this.#setLong(slot, 'cutNs', 0n);
    // What the programs noted is the better one.
    if (!held || this.#long(slot, 'heardNs') === 0n) this.#setLong(slot, 'heardNs', heardNs);
    this.#publish(slot, LEASE_STATE.holds);
  }

  /** Goes on with a lease of another layout, from before the first program reads it. */
  carry(slot: number, lease: CarriedLease): void {
    if (lease.state === LEASE_STATE.none) return;
    const terms = Buffer.from(this.#buffer, this.#at(slot) + LEASE.fields.terms.offset, TERMS.size);
    terms.set(lease.terms);
    for (const field of LONG_FIELDS) this.#setLong(slot, field, lease[field]);
    this.#publish(slot, lease.state);
  }

  /** What programs of the other layout made of it meanwhile. What they said in that time is not counted. */
  merge(slot: number, { state, heardNs, cutNs }: CarriedLease): void {
    if (this.#state(slot) !== LEASE_STATE.holds) return;
    if (heardNs > this.#long(slot, 'heardNs')) this.#setLong(slot, 'heardNs', heardNs);
    if (cutNs !== 0n) this.#setLong(slot, 'cutNs', cutNs);
    if (state === LEASE_STATE.ended) this.#publish(slot, LEASE_STATE.ended);
  }

  /** The same, and what was said is counted anew. */
  take(slot: number): SlotLeaseSeen | undefined {
    const seen = this.seen(slot);
    for (const field of ['answers', 'beats'] as const) this.#setLong(slot, field, 0n);
    return seen;
  }

  /** What became of the lease of a slot; undefined where there is none. */
  seen(slot: number): SlotLeaseSeen | undefined {
    const state = this.#state(slot);
    if (state === LEASE_STATE.none) return undefined;
    const answerAt = this.#at(slot) + LEASE.fields.terms.offset + TERMS.fields.answer.offset;
    return {
      answer: new Uint8Array(this.#buffer, answerAt, LACPDU_BYTES).slice(),
      hasEnded: state === LEASE_STATE.ended,
      heardNs: this.#long(slot, 'heardNs'),
      cutNs: this.#long(slot, 'cutNs'),
      said: Number(this.#long(slot, 'answers') + this.#long(slot, 'beats')),
    };
  }

  #state(slot: number): number {
    return Atomics.load(this.#words, (this.#at(slot) + LEASE.offset('state')) / WORD);
  }

  #publish(slot: number, state: number): void {
    Atomics.store(this.#words, (this.#at(slot) + LEASE.offset('state')) / WORD, state);
  }

  #long(slot: number, field: LongField): bigint {
    return Atomics.load(this.#longs, (this.#at(slot) + LEASE.offset(field)) / LONG);
  }

  #setLong(slot: number, field: LongField, value: bigint): void {
    Atomics.store(this.#longs, (this.#at(slot) + LEASE.offset(field)) / LONG, value);
  }

  #at(slot: number): number {
    return SHARED.fields.leases.offset + slot * STRIDE;
  }
}
