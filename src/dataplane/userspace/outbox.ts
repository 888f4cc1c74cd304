// What leaves the worker: frames of one ring at a time, from where they lie. It is known of each frame whether it was sent, also
// when the worker dies in the middle of a call: the kernel notes that in the vector, which lies in the shared state.
import type { FixedMemory } from '../../linux/index.js';
import { SendVector } from '../../linux/index.js';
import { BATCH, type RingReader } from './ring-reader.js';
import { type SharedState, VECTOR_AT } from './shared-state.js';

export class Outbox {
  readonly #state: SharedState;
  readonly #vector: SendVector;
  #ring: RingReader | undefined;
  /** True while what is sent are copies, and others of the same frames are still to come: then they are not done. */
  copiesFollow = false;

  /** `memory` is that of `state`. */
  constructor(state: SharedState, memory: FixedMemory) {
    this.#state = state;
    this.#vector = new SendVector(BATCH, memory, VECTOR_AT);
  }

  /** Notes in a ring which of its frames an earlier worker sent, when that died before it had noted it. */
  recover(ring: RingReader): void {
    const flight = this.#state.flight;
    if (flight === undefined || flight.slot !== ring.slot) return;
    for (let i = flight.from; i < flight.to; i++) {
      if (this.#vector.hasGone(i)) ring.noteDone(this.#vector.markOf(i));
    }
    this.#state.land();
  }

  /** Puts frame `i` of a ring's batch to place `at`. */
  put(ring: RingReader, i: number, at: number): void {
    this.#ring = ring;
    ring.put(i, this.#vector, at);
  }

  /** Sends what is at places `from` to `to` (exclusive); gives how many went, or minus the errno that the first met. */
  send(fd: number, from: number, to: number): number {
    const ring = this.#ring;
    if (ring === undefined || this.copiesFollow) return this.#vector.send(fd, from, to);
    this.#state.takeOff({ slot: ring.slot, from, to });
    const sent = this.#vector.send(fd, from, to);
    for (let i = from; i < from + sent; i++) ring.noteDone(this.#vector.markOf(i));
    this.#state.land();
    return sent;
  }
}
