// Rings that may outlive the process: opened anew, or taken over from a process that died, with the frames that wait in them.
import { adoptPacketRing, closeFd, openPacketRing, type PacketRing } from '../../linux/index.js';
import type { SocketKeeper } from './socket-keeper.js';

/** The ring of an interface. `isKept`: it was taken over, and its head counts on. */
export function openRing(
  keeper: SocketKeeper,
  name: string,
  ifindex: number,
  blocks: number,
): { readonly ring: PacketRing; readonly isKept: boolean } {
  const kept = keeper.take(name);
  if (kept !== undefined) {
    const ring = adoptPacketRing(kept.fd, ifindex, kept.blocks);
    if (ring !== undefined) return { ring, isKept: true };
    closeFd(kept.fd);
    keeper.drop(name);
  }
  const ring = openPacketRing(ifindex, blocks);
  keeper.keep(name, { fd: ring.fd, blocks: ring.blocks });
  return { ring, isKept: false };
}

/** Closes a ring for good, wherever it is kept. */
export function shutRing(keeper: SocketKeeper, name: string, ring: PacketRing): void {
  keeper.drop(name);
  ring.memory.unmap();
  closeFd(ring.fd);
}
