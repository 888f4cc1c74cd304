// One member in the forwarding worker: how frames go into it, and what it means when they do not.
import { LinkProbe, takeSocketError } from '../../linux/index.js';
import type { Outbox } from './outbox.js';
import type { RingPlace, RingReader } from './ring-reader.js';
import type { SharedState } from './shared-state.js';

const EINTR = 4;
/** The frame's own fault: longer than the MTU, shorter than a header, a header that the kernel does not believe. */
const OWN_FAULT: ReadonlySet<number> = new Set([22, 90, 14]);
const links = new LinkProbe();
/** So long an answer about a link is believed when nothing but received frames asks. */
const BELIEVED_MS = 1;

/** A member's sockets; plain numbers, for the worker. */
export interface MemberPlace {
  readonly ring: RingPlace;
  /** Sends past the qdisc. */
  readonly direct: number;
}

/** Why frames were not sent. */
export type Refused = 'dead' | 'busy' | 'own fault';

export class MemberPort {
  readonly ifindex: number;
  readonly ring: RingReader;
  readonly #direct: number;
  #askedMs = 0;
  #answer = false;

  constructor(ifindex: number, place: MemberPlace, ring: RingReader) {
    this.ifindex = ifindex;
    this.ring = ring;
    this.#direct = place.direct;
  }

  /** True when the interface is up and has a carrier. */
  canSend(): boolean {
    this.#answer = links.canSend(this.ring.fd, this.ifindex);
    return this.#answer;
  }

  /** The same, believing an answer that is not older than a millisecond. */
  couldSend(nowMs: number): boolean {
    if (nowMs - this.#askedMs < BELIEVED_MS) return this.#answer;
    this.#askedMs = nowMs;
    return this.canSend();
  }

  /**
   * Sends frames of the outbox. Gives how many went, or why the first did not. Past the qdisc the kernel itself looks at the
   * carrier on each frame; through it frames without a carrier would vanish, so the link is asked for before.
   */
  send(outbox: Outbox, from: number, to: number, throughQdisc: boolean): number | Refused {
    if (throughQdisc) return this.canSend() ? sendBy(outbox, this.ring.fd, from, to) : 'dead';
    const sent = sendBy(outbox, this.#direct, from, to);
    if (sent !== 'busy') return sent;
    // No room in the device, or no carrier: the kernel has one errno for both.
    if (!this.canSend()) return 'dead';
    // An error that waits since the interface was down is told in place of sending.
    takeSocketError(this.#direct);
    // The qdisc waits for room, as it would for anybody's frames.
    return sendBy(outbox, this.ring.fd, from, Math.min(to, from + 1));
  }

  /**
   * Sends the first `count` frames of the outbox, and counts those that could not go for another reason than a dead member. Gives
   * how many it is done with: fewer when it is dead.
   */
  sendAll(outbox: Outbox, count: number, throughQdisc: boolean, state: SharedState): number {
    let done = 0;
    while (done < count) {
      const sent = this.send(outbox, done, count, throughQdisc);
      if (sent === 'dead') return done;
      if (typeof sent === 'number') {
        done += sent;
        continue;
      }
      state.addFault(sent === 'busy' ? 'busy' : 'unsendable', 1);
      done += 1;
    }
    return done;
  }
}

function sendBy(outbox: Outbox, fd: number, from: number, to: number): number | Refused {
  for (;;) {
    const sent = outbox.send(fd, from, to);
    if (sent > 0) return sent;
    if (sent === -EINTR) continue;
    return OWN_FAULT.has(-sent) ? 'own fault' : 'busy';
  }
}
