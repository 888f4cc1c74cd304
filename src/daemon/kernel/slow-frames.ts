// Frames of the slow protocols (LACP) on the members of a bond: sockets that see them before the programs do. They are open while the
// bond speaks LACP. What lets them in through the devices' filters outlives the daemon (address-filters.ts).
import { tagFrame } from '../../frames/index.js';
import { ETH_P_ALL, isErrno, PacketSocket, type ReceivedFrame, SLOW_FRAMES } from '../../linux/index.js';
import type { MemberIndex } from '../../policy/index.js';
import { FrameBudget } from './frame-budget.js';

/** Frames of one member that are taken in at once. */
const MOST_WAITING = 64;
/** However many come: a partner that keeps to the rules sends at most ten frames a second of each slow protocol (IEEE 802.3 Annex 57A). */
const RATE = { perSecond: 50, atOnce: 20 } as const;
/** Longer ones are not looked at. */
const LONGEST_BYTES = 256;

export class SlowFrames {
  readonly #heard: (member: MemberIndex, frame: Uint8Array) => void;
  readonly #ears = new Map<MemberIndex, PacketSocket>();
  readonly #budgets = new Map<MemberIndex, FrameBudget>();

  constructor(heard: (member: MemberIndex, frame: Uint8Array) => void) {
    this.#heard = heard;
  }

  /** Listens on these members, and on no others. Throws SystemError. */
  follow(wanted: readonly MemberIndex[]): void {
    for (const member of this.#ears.keys()) if (!wanted.includes(member)) this.#close(member);
    for (const member of wanted) if (!this.#ears.has(member)) this.#open(member);
  }

  /** Takes in what waits. */
  poll(): void {
    for (const [member, ear] of this.#ears) {
      for (let left = MOST_WAITING; left > 0; left--) {
        const frame = ear.receive();
        if (frame === undefined) break;
        this.#received(member, frame);
      }
    }
  }

  close(): void {
    for (const member of Array.from(this.#ears.keys())) this.#close(member);
  }

  #open(member: MemberIndex): void {
    let ear: PacketSocket;
    try {
      ear = PacketSocket.open({
        ifindex: member,
        protocol: ETH_P_ALL,
        filter: SLOW_FRAMES,
        auxData: true,
        maxFrameBytes: LONGEST_BYTES,
      });
    } catch (error) {
      // It is gone: the kernel's news say so next.
      if (isErrno(error, 'ENODEV', 'ENXIO')) return;
      throw error;
    }
    this.#ears.set(member, ear);
    this.#budgets.set(member, new FrameBudget(RATE));
    ear.watch(frame => this.#received(member, frame));
  }

  #received(member: MemberIndex, { data, vlan }: ReceivedFrame): void {
    if (this.#budgets.get(member)?.take(performance.now()) !== true) return;
    const tags = vlan === undefined ? [] : [{ tpid: vlan.protocol, tci: vlan.tci }];
    this.#heard(member, tagFrame(data, tags));
  }

  #close(member: MemberIndex): void {
    this.#ears.get(member)?.close();
    this.#ears.delete(member);
    this.#budgets.delete(member);
  }
}
