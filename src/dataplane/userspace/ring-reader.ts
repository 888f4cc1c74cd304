// Reads frames out of a ring that the kernel fills (TPACKET_V2), without copying: it tells where in memory they lie. The
// VLAN tag that the kernel takes off beside the frame is put back where it was, in a copy of the frame's first bytes: a slot holds
// its frame as it came until it is given back, so that another worker can go on after a death at any moment.
import {
  addressOf,
  RING_BLOCK_BYTES,
  RING_FRAME_BYTES,
  RING_FRAMES_PER_BLOCK,
  type SendVector,
  viewMemory,
} from '../../linux/index.js';
import type { SharedState } from './shared-state.js';

/** Most blocks of a ring. */
export const MOST_BLOCKS = 16;

/** Most frames of one turn. */
export const BATCH = 64;

/** Bytes of struct virtio_net_hdr, before each frame. */
export const VNET_BYTES = 10;
const TP_STATUS_USER = 1;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
/** Ours, a bit that the kernel does not use and that goes when it fills the slot again: nothing is to be done for this frame. */
const DONE = 0x1000_0000;
const NEEDS_CSUM = 1;
const ETH_P_8021Q = 0x8100;
const TAG_BYTES = 4;
/** In place of a tag: none is beside the frame. */
const UNTAGGED = -1;
const MAC_BYTES = 6;
/** Of a frame these bytes and its virtio header are copied where something is put into them. */
const ADDRESSES_BYTES = 2 * MAC_BYTES;
const COPIED_BYTES = VNET_BYTES + ADDRESSES_BYTES;
/** From the virtio header on. */
const SOURCE_AT = VNET_BYTES + MAC_BYTES;
/** The rest of an ARP packet behind the addresses, and where in it the sender's is. */
const ARP_REST_BYTES = 30;
const ARP_SENDER_AT = 10;
/** Room for them, a tag, and the rest of an ARP packet. */
const HEAD_BYTES = 64;

/** struct tpacket2_hdr, bytes. */
const HEADER = { length: 4, snapLength: 8, mac: 12, tci: 24, tpid: 26 } as const;

/** Where `putFrame` puts a frame: behind struct tpacket2_hdr, struct sockaddr_ll and the virtio header. */
const PUT_AT = 82;

/** Where the ring is; plain numbers, for the worker. */
export interface RingPlace {
  readonly fd: number;
  readonly address: number;
  readonly blocks: number;
}

/** Puts a frame into a slot as the kernel does, its tag (0) beside it; where there is no kernel behind a ring. */
export function putFrame(ring: Uint8Array, slot: number, frame: Uint8Array, isTagged: boolean): void {
  const view = new DataView(ring.buffer, ring.byteOffset + slot, RING_FRAME_BYTES);
  view.setUint32(HEADER.length, frame.length, true);
  view.setUint32(HEADER.snapLength, frame.length, true);
  view.setUint16(HEADER.mac, PUT_AT, true);
  ring.set(frame, slot + PUT_AT);
  view.setUint32(0, TP_STATUS_USER | (isTagged ? TP_STATUS_VLAN_VALID : 0), true);
}

/** Where each slot of a ring is; the same for all. */
const OFFSETS = new Float64Array(MOST_BLOCKS * RING_FRAMES_PER_BLOCK).map((_, slot) => {
  const block = Math.floor(slot / RING_FRAMES_PER_BLOCK);
  return block * RING_BLOCK_BYTES + (slot % RING_FRAMES_PER_BLOCK) * RING_FRAME_BYTES;
});

/** Views of rings that will be read, by address. */
const ahead = new Map<number, ArrayBuffer>();

/** Looks at a ring's memory ahead: so large a view has the engine collect garbage, which takes milliseconds. */
export function lookAhead({ address, blocks }: Omit<RingPlace, 'fd'>): void {
  ahead.set(address, viewMemory(address, blocks * RING_BLOCK_BYTES));
}

export function forgetAhead(address: number): void {
  ahead.delete(address);
}

function viewOf({ address, blocks }: RingPlace): ArrayBuffer {
  const length = blocks * RING_BLOCK_BYTES;
  const view = ahead.get(address);
  ahead.delete(address);
  return view?.byteLength === length ? view : viewMemory(address, length);
}

export class RingReader {
  readonly fd: number;
  readonly #state: SharedState;
  /** Of the member; undefined: this is the host's ring. */
  readonly slot: number | undefined;
  readonly #base: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offsets: Float64Array;
  /** Of each frame of the last `fetch`: where its virtio header starts, how long both are together, and the slot. */
  readonly #starts = new Float64Array(BATCH);
  readonly #lengths = new Int32Array(BATCH);
  readonly #places = new Int32Array(BATCH);
  /** Its tag, TPID before TCI, or UNTAGGED. */
  readonly #tags = new Float64Array(BATCH);
  /** The first bytes of those that have others than they came with, and how many; 0: sent as it is. */
  readonly #heads = new Uint8Array(BATCH * HEAD_BYTES);
  readonly #headsView = new DataView(this.#heads.buffer);
  readonly #headsAddress = Number(addressOf(this.#heads));
  readonly #headLengths = new Int32Array(BATCH);
  /** How many bytes of the frame as it came, its virtio header with them, those stand for. */
  readonly #copied = new Int32Array(BATCH);
  /** How many frames have a tag beside them. */
  #tagged = 0;
  #head: number;
  /** Slots from the head on that are to be given back: those of the batch, and done ones between them. */
  #held = 0;

  /** `slot` says where in `state` the head is kept; undefined for the host's ring. */
  constructor(place: RingPlace, state: SharedState, slot: number | undefined) {
    this.fd = place.fd;
    this.#state = state;
    this.slot = slot;
    this.#base = place.address;
    const buffer = viewOf(place);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    const frames = place.blocks * RING_FRAMES_PER_BLOCK;
    this.#offsets = OFFSETS.slice(0, frames);
    this.#head = state.headOf(slot) % frames;
    // A worker that died between noting that slots go back and giving them.
    for (let at = this.#before(this.#head); this.#isDone(at); at = this.#before(at)) this.#giveBack(at);
  }

  /** Looks what has come; gives how many frames. They stay valid until `release`; tags are beside them until `restoreTags`. */
  fetch(): number {
    let count = 0;
    this.#tagged = 0;
    this.#held = 0;
    for (let at = this.#head; count < BATCH && this.#held < this.#offsets.length; at = this.#after(at)) {
      const offset = this.#offsets[at] ?? 0;
      const status = Atomics.load(this.#words, offset / 4);
      if ((status & TP_STATUS_USER) === 0) break;
      this.#held += 1;
      if ((status & DONE) !== 0) continue;
      this.#take(offset, status, count);
      this.#places[count] = at;
      count += 1;
    }
    if (count === 0) this.release();
    return count;
  }

  /** The bytes of a frame, as the kernel keeps it: the tag beside it. */
  frame(i: number): Uint8Array {
    const start = this.#starts[i] ?? 0;
    return this.#bytes.subarray(start + VNET_BYTES, start + Math.max(this.#lengths[i] ?? 0, VNET_BYTES));
  }

  /** The tag that is beside a frame: priority and VLAN; 0 when there is none. */
  tagOf(i: number): number {
    const tag = this.#tags[i] ?? UNTAGGED;
    return tag === UNTAGGED ? 0 : tag & 0xffff;
  }

  /** Has all tags sent where they belong. */
  restoreTags(): void {
    for (let i = 0; this.#tagged > 0; i++) {
      const tag = this.#tags[i] ?? UNTAGGED;
      if (tag === UNTAGGED) continue;
      this.#tagged -= 1;
      this.#putTagBack(i, tag);
    }
  }

  /** Has a frame sent with this source address; undefined: with the one that it came with. */
  setSource(i: number, address: Uint8Array | undefined): void {
    if (this.#isShort(i) || (address === undefined && this.#headLengths[i] === 0)) return;
    if (this.#headLengths[i] === 0) this.#copyHead(i);
    const came = (this.#starts[i] ?? 0) + SOURCE_AT;
    this.#heads.set(address ?? this.#bytes.subarray(came, came + MAC_BYTES), i * HEAD_BYTES + SOURCE_AT);
  }

  /** Has a frame sent to this address. */
  setDestination(i: number, address: Uint8Array): void {
    if (this.#isShort(i)) return;
    if (this.#headLengths[i] === 0) this.#copyHead(i);
    this.#heads.set(address, i * HEAD_BYTES + VNET_BYTES);
  }

  /** Has an ARP packet, the tag back where it belongs, sent with this sender's address; undefined: with the one that it came with. */
  setArpSender(i: number, address: Uint8Array | undefined): void {
    const isPlain = (this.#copied[i] ?? 0) <= COPIED_BYTES;
    if ((this.#lengths[i] ?? 0) < COPIED_BYTES + ARP_REST_BYTES || (address === undefined && isPlain)) return;
    if (this.#headLengths[i] === 0) this.#copyHead(i);
    const rest = (this.#starts[i] ?? 0) + COPIED_BYTES;
    const length = this.#headLengths[i] ?? 0;
    const at = i * HEAD_BYTES + (isPlain ? length : length - ARP_REST_BYTES);
    if (isPlain) {
      this.#heads.set(this.#bytes.subarray(rest, rest + ARP_REST_BYTES), at);
      this.#headLengths[i] = length + ARP_REST_BYTES;
      this.#copied[i] = COPIED_BYTES + ARP_REST_BYTES;
    }
    const came = this.#bytes.subarray(rest + ARP_SENDER_AT, rest + ARP_SENDER_AT + MAC_BYTES);
    this.#heads.set(address ?? came, at + ARP_SENDER_AT);
  }

  /** Puts a frame, its virtio header before it, to place `at` of a vector. */
  put(i: number, vector: SendVector, at: number): void {
    const start = this.#base + (this.#starts[i] ?? 0);
    const length = this.#lengths[i] ?? 0;
    const mark = this.#places[i] ?? 0;
    const headLength = this.#headLengths[i] ?? 0;
    if (headLength === 0) {
      vector.set(at, start, length, mark);
      return;
    }
    const head = this.#headsAddress + i * HEAD_BYTES;
    const copied = this.#copied[i] ?? 0;
    vector.setTwo(at, head, headLength, start + copied, length - copied, mark);
  }

  /** Notes in a slot (its mark in the vector) that its frame was sent. */
  noteDone(mark: number): void {
    Atomics.or(this.#words, (this.#offsets[mark] ?? 0) / 4, DONE);
  }

  /**
   * Gives the slots of the last `fetch` back to the kernel. In three steps, each of which tells the next worker what the one before
   * was for: nothing is to be done for them; the head is behind them; they are empty.
   */
  release(): void {
    if (this.#held === 0) return;
    let next = this.#head;
    for (let i = 0; i < this.#held; i++) {
      this.noteDone(next);
      next = this.#after(next);
    }
    this.#state.setHead(this.slot, next);
    for (let at = this.#head; this.#held > 0; at = this.#after(at)) {
      this.#giveBack(at);
      this.#held -= 1;
    }
    this.#head = next;
  }

  #after(at: number): number {
    return at + 1 === this.#offsets.length ? 0 : at + 1;
  }

  #before(at: number): number {
    return (at === 0 ? this.#offsets.length : at) - 1;
  }

  #isDone(at: number): boolean {
    return (Atomics.load(this.#words, (this.#offsets[at] ?? 0) / 4) & DONE) !== 0;
  }

  #giveBack(at: number): void {
    Atomics.store(this.#words, (this.#offsets[at] ?? 0) / 4, 0);
  }

  #take(offset: number, status: number, i: number): void {
    const view = this.#view;
    const snapLength = view.getUint32(offset + HEADER.snapLength, true);
    this.#starts[i] = offset + view.getUint16(offset + HEADER.mac, true) - VNET_BYTES;
    // Longer than its slot: what is missing cannot be sent. A length that no frame has makes the kernel refuse it.
    const isWhole = view.getUint32(offset + HEADER.length, true) === snapLength;
    this.#lengths[i] = isWhole ? snapLength + VNET_BYTES : 0;
    this.#headLengths[i] = 0;
    this.#copied[i] = 0;
    this.#tags[i] = UNTAGGED;
    if ((status & TP_STATUS_VLAN_VALID) === 0 || this.#isShort(i)) return;
    const tpid =
      (status & TP_STATUS_VLAN_TPID_VALID) === 0 ? ETH_P_8021Q : view.getUint16(offset + HEADER.tpid, true);
    this.#tags[i] = tpid * 0x1_0000 + view.getUint16(offset + HEADER.tci, true);
    this.#tagged += 1;
  }

  /** True for what has no two addresses. */
  #isShort(i: number): boolean {
    return (this.#lengths[i] ?? 0) < COPIED_BYTES;
  }

  /** From here on the frame's first bytes are sent from a copy. */
  #copyHead(i: number): void {
    const start = this.#starts[i] ?? 0;
    for (let k = 0; k < COPIED_BYTES; k++) this.#heads[i * HEAD_BYTES + k] = this.#bytes[start + k] ?? 0;
    this.#headLengths[i] = COPIED_BYTES;
    this.#copied[i] = COPIED_BYTES;
  }

  #putTagBack(i: number, tag: number): void {
    this.#copyHead(i);
    const view = this.#headsView;
    const header = i * HEAD_BYTES;
    view.setUint32(header + COPIED_BYTES, tag);
    this.#headLengths[i] = COPIED_BYTES + TAG_BYTES;
    // Offsets of the virtio header count from the start of the frame: hdr_len at 2, csum_start at 6.
    const headerLength = view.getUint16(header + 2, true);
    if (headerLength !== 0) view.setUint16(header + 2, headerLength + TAG_BYTES, true);
    if ((view.getUint8(header) & NEEDS_CSUM) !== 0) {
      view.setUint16(header + 6, view.getUint16(header + 6, true) + TAG_BYTES, true);
    }
  }
}
