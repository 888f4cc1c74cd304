// Reads frames out of a ring that the kernel fills (TPACKET_V2), without copying: it tells where in memory they lie. The
// VLAN tag that the kernel takes off beside the frame is put back where it was.
import {
  RING_BLOCK_BYTES,
  RING_FRAME_BYTES,
  RING_FRAMES_PER_BLOCK,
  type SendVector,
  viewMemory,
} from '../../linux/index.js';
import type { SharedState } from './shared-state.js';

/** Most frames of one turn. */
export const BATCH = 64;

/** Bytes of struct virtio_net_hdr, before each frame. */
export const VNET_BYTES = 10;
const TP_STATUS_USER = 1;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const NEEDS_CSUM = 1;
const ETH_P_8021Q = 0x8100;
const TAG_BYTES = 4;
/** In place of a slot: no tag is beside the frame. */
const UNTAGGED = -1;

/** struct tpacket2_hdr, bytes. */
const HEADER = { length: 4, snapLength: 8, mac: 12, tci: 24, tpid: 26 } as const;

/** Where the ring is; plain numbers, for the worker. */
export interface RingPlace {
  readonly fd: number;
  readonly address: number;
  readonly blocks: number;
}

export class RingReader {
  readonly fd: number;
  readonly #state: SharedState;
  readonly #slot: number | undefined;
  readonly #base: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offsets: Float64Array;
  /** Of each frame of the last `fetch`: where its virtio header starts, how long both are together, and the slot. */
  readonly #starts = new Float64Array(BATCH);
  readonly #lengths = new Int32Array(BATCH);
  readonly #slots = new Float64Array(BATCH);
  /** How many of them have a tag that is not back yet. */
  #tagged = 0;
  #head: number;
  #held = 0;

  /** `slot` says where in `state` the head is kept; undefined for the host's ring. */
  constructor(place: RingPlace, state: SharedState, slot: number | undefined) {
    this.fd = place.fd;
    this.#state = state;
    this.#slot = slot;
    this.#base = place.address;
    const buffer = viewMemory(place.address, place.blocks * RING_BLOCK_BYTES);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    const frames = place.blocks * RING_FRAMES_PER_BLOCK;
    this.#offsets = new Float64Array(frames);
    for (let i = 0; i < frames; i++) {
      const block = Math.floor(i / RING_FRAMES_PER_BLOCK);
      this.#offsets[i] = block * RING_BLOCK_BYTES + (i % RING_FRAMES_PER_BLOCK) * RING_FRAME_BYTES;
    }
    this.#head = state.headOf(slot) % frames;
    // A worker that ended between giving a slot back and noting it.
    const next = this.#after(this.#head);
    if (!this.#isFull(this.#head) && this.#isFull(next)) this.#head = next;
  }

  /** Looks what has come; gives how many frames. They stay valid until `release`; tags are beside them until `restoreTags`. */
  fetch(): number {
    let count = 0;
    this.#tagged = 0;
    let at = this.#head;
    while (count < BATCH) {
      const offset = this.#offsets[at] ?? 0;
      const status = Atomics.load(this.#words, offset / 4);
      if ((status & TP_STATUS_USER) === 0) break;
      this.#take(offset, status, count);
      count += 1;
      at = this.#after(at);
    }
    this.#held = count;
    return count;
  }

  /** The bytes of a frame, as the kernel keeps it: the tag beside it. */
  frame(i: number): Uint8Array {
    const start = this.#starts[i] ?? 0;
    return this.#bytes.subarray(start + VNET_BYTES, start + Math.max(this.#lengths[i] ?? 0, VNET_BYTES));
  }

  /** The tag that is beside a frame: priority and VLAN; 0 when there is none. */
  tagOf(i: number): number {
    const slot = this.#slots[i] ?? UNTAGGED;
    return slot === UNTAGGED ? 0 : this.#view.getUint16(slot + HEADER.tci, true);
  }

  /** Puts all tags where they belong. */
  restoreTags(): void {
    for (let i = 0; this.#tagged > 0; i++) {
      const slot = this.#slots[i] ?? UNTAGGED;
      if (slot === UNTAGGED) continue;
      this.#tagged -= 1;
      this.#slots[i] = UNTAGGED;
      const known = (Atomics.load(this.#words, slot / 4) & TP_STATUS_VLAN_TPID_VALID) !== 0;
      const tpid = known ? this.#view.getUint16(slot + HEADER.tpid, true) : ETH_P_8021Q;
      const start = this.#starts[i] ?? 0;
      this.#putTagBack(start + VNET_BYTES, tpid, this.#view.getUint16(slot + HEADER.tci, true));
      this.#starts[i] = start - TAG_BYTES;
      this.#lengths[i] = (this.#lengths[i] ?? 0) + TAG_BYTES;
    }
  }

  /** Puts a frame, its virtio header before it, to place `at` of a vector. */
  put(i: number, vector: SendVector, at: number): void {
    vector.set(at, this.#base + (this.#starts[i] ?? 0), this.#lengths[i] ?? 0);
  }

  /** Gives the slots of the last `fetch` back to the kernel. */
  release(): void {
    for (let i = 0; i < this.#held; i++) {
      Atomics.store(this.#words, (this.#offsets[this.#head] ?? 0) / 4, 0);
      this.#head = this.#after(this.#head);
      this.#state.setHead(this.#slot, this.#head);
    }
    this.#held = 0;
  }

  #after(at: number): number {
    return at + 1 === this.#offsets.length ? 0 : at + 1;
  }

  #isFull(at: number): boolean {
    return (Atomics.load(this.#words, (this.#offsets[at] ?? 0) / 4) & TP_STATUS_USER) !== 0;
  }

  #take(offset: number, status: number, i: number): void {
    const view = this.#view;
    const snapLength = view.getUint32(offset + HEADER.snapLength, true);
    this.#slots[i] = offset;
    this.#starts[i] = offset + view.getUint16(offset + HEADER.mac, true) - VNET_BYTES;
    // Longer than its slot: what is missing cannot be sent. A length that no frame has makes the kernel refuse it.
    const isWhole = view.getUint32(offset + HEADER.length, true) === snapLength;
    this.#lengths[i] = isWhole ? snapLength + VNET_BYTES : 0;
    if ((status & TP_STATUS_VLAN_VALID) !== 0 && isWhole && snapLength >= 12) this.#tagged += 1;
    else this.#slots[i] = UNTAGGED;
  }

  /** Virtio header and MAC addresses move four bytes towards the front; the kernel leaves more room than that there. */
  #putTagBack(mac: number, tpid: number, tci: number): void {
    const view = this.#view;
    const start = mac - VNET_BYTES;
    this.#bytes.copyWithin(start - TAG_BYTES, start, mac + 12);
    view.setUint16(mac + 8, tpid);
    view.setUint16(mac + 10, tci);
    const header = start - TAG_BYTES;
    // Offsets of the virtio header count from the start of the frame: hdr_len at 2, csum_start at 6.
    const headerLength = view.getUint16(header + 2, true);
    if (headerLength !== 0) view.setUint16(header + 2, headerLength + TAG_BYTES, true);
    if ((view.getUint8(header) & NEEDS_CSUM) !== 0) {
      view.setUint16(header + 6, view.getUint16(header + 6, true) + TAG_BYTES, true);
    }
  }
}
