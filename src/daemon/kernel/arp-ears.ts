// ARP of a bond in balance-alb: what its members hear, and what the host sends by way of the bond. Sockets that are open while the bond gives
// out members to clients; those on members see frames before the programs do, that on the bond as the host gave them.
import { tagFrame } from '../../frames/index.js';
import { ARP_FRAMES, ETH_P_ALL, isErrno, PacketSocket, type ReceivedFrame } from '../../linux/index.js';
import type { MemberIndex } from '../../policy/index.js';

/** Longer ones are not looked at: Ethernet with two tags, and ARP. */
const LONGEST_BYTES = 128;
/** PACKET_OUTGOING. */
const OUTGOING = 4;

export class ArpEars {
  readonly #bondIfindex: number;
  readonly #heard: (member: MemberIndex | null, frame: Uint8Array) => void;
  /** By interface: of members, and of the bond. */
  readonly #ears = new Map<number, PacketSocket>();

  constructor(bondIfindex: number, heard: (member: MemberIndex | null, frame: Uint8Array) => void) {
    this.#bondIfindex = bondIfindex;
    this.#heard = heard;
  }

  /** Listens on the bond and these members, and on nothing else; none: on nothing at all. Throws SystemError. */
  follow(members: readonly MemberIndex[]): void {
    const wanted = members.length === 0 ? [] : [this.#bondIfindex, ...members];
    for (const ifindex of this.#ears.keys()) if (!wanted.includes(ifindex)) this.#close(ifindex);
    for (const ifindex of wanted) if (!this.#ears.has(ifindex)) this.#open(ifindex);
  }

  close(): void {
    for (const ifindex of Array.from(this.#ears.keys())) this.#close(ifindex);
  }

  #open(ifindex: number): void {
    const isBond = ifindex === this.#bondIfindex;
    let ear: PacketSocket;
    try {
      ear = PacketSocket.open({
        ifindex,
        protocol: ETH_P_ALL,
        filter: ARP_FRAMES,
        auxData: true,
        ignoreOutgoing: !isBond,
        maxFrameBytes: LONGEST_BYTES,
      });
    } catch (error) {
      // It is gone: the kernel's news say so next.
      if (isErrno(error, 'ENODEV', 'ENXIO')) return;
      throw error;
    }
    this.#ears.set(ifindex, ear);
    ear.watch(frame => {
      if (!isBond || frame.packetType === OUTGOING) this.#heard(isBond ? null : ifindex, whole(frame));
    });
  }

  #close(ifindex: number): void {
    this.#ears.get(ifindex)?.close();
    this.#ears.delete(ifindex);
  }
}

/** With the tag that was beside it; a copy. */
function whole({ data, vlan }: ReceivedFrame): Uint8Array {
  return tagFrame(data, vlan === undefined ? [] : [{ tpid: vlan.protocol, tci: vlan.tci }]);
}
