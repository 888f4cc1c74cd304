// Reads frames out of a ring that the kernel fills (TPACKET_V2), without copying: it tells where in memory they lie. The
// VLAN tag that the kernel takes off beside the frame is put back where it was.
import { RING_BLOCK_BYTES, RING_FRAME_BYTES, RING_FRAMES_PER_BLOCK, viewMemory } from '../../linux/index.js';
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
  /** Of each frame of the last `fetch`: where its virtio header starts, and how long both are together. */
  readonly addresses = new Float64Array(BATCH);
  readonly lengths = new Int32Array(BATCH);
  readonly #state: SharedState;
  readonly #slot: number | undefined;
  readonly #base: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offsets: Float64Array;
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

  /** Looks what has come; gives how many frames. They stay valid until `release`. */
  fetch(): number {
    let count = 0;
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
    const mac = offset + view.getUint16(offset + HEADER.mac, true);
    const snapLength = view.getUint32(offset + HEADER.snapLength, true);
    let start = mac - VNET_BYTES;
    let length = snapLength + VNET_BYTES;
    if ((status & TP_STATUS_VLAN_VALID) !== 0 && snapLength >= 12) {
      const known = (status & TP_STATUS_VLAN_TPID_VALID) !== 0;
      const tpid = known ? view.getUint16(offset + HEADER.tpid, true) : ETH_P_8021Q;
      this.#putTagBack(mac, tpid, view.getUint16(offset + HEADER.tci, true));
      start -= TAG_BYTES;
      length += TAG_BYTES;
    }
    // Longer than its slot: what is missing cannot be sent. A length that no frame has makes the kernel refuse it.
    const whole = view.getUint32(offset + HEADER.length, true) === snapLength;
    this.addresses[i] = this.#base + start;
    this.lengths[i] = whole ? length : 0;
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
