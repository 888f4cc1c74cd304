// LACPDUs and other frames of the slow protocols that come in at interfaces of a host, counted before any bond takes them.
import { ETH_P_ALL, PacketSocket, requireLink, SLOW_FRAMES } from '../linux/index.js';
import type { RealHost } from './real-network.js';

/** The type of a frame by whom it is for: one that this host sends itself does not count. */
const OUTGOING = 4;

/** Counts from its making on. */
export class LacpduEars {
  readonly #sockets = new Map<string, PacketSocket>();
  readonly #counts = new Map<string, number>();

  /** `names`: the interfaces to listen at. A bond may take a frame away, so the sockets are those that see all frames first. */
  constructor(host: RealHost, names: readonly string[]) {
    for (const name of names) {
      const { ifindex } = requireLink(host.place.netlink, name);
      const options = { ifindex, protocol: ETH_P_ALL, filter: SLOW_FRAMES };
      this.#sockets.set(
        name,
        host.place.inside(() => PacketSocket.open(options)),
      );
      this.#counts.set(name, 0);
    }
  }

  /** How many came in at this interface; null where nobody listens. */
  count(name: string): number | null {
    const socket = this.#sockets.get(name);
    if (socket === undefined) return null;
    let count = this.#counts.get(name) ?? 0;
    for (let frame = socket.receive(); frame !== undefined; frame = socket.receive())
      if (frame.packetType !== OUTGOING) count++;
    this.#counts.set(name, count);
    return count;
  }

  reset(): void {
    for (const name of this.#sockets.keys()) {
      this.count(name);
      this.#counts.set(name, 0);
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }
}
