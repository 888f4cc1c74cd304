// Sockets that may outlive the process: opened anew, or taken over from a process that died, with the frames that wait in their
// rings.
import {
  closeFd,
  isBoundTo,
  mapPacketRing,
  openDirectSender,
  openPacketRing,
  type PacketRing,
} from '../../linux/index.js';
import { forwarder } from './forwarder.js';
import type { MemberPlace } from './member-port.js';
import type { RingPlace } from './ring-reader.js';
import type { SocketKeeper, TakenSocket } from './socket-keeper.js';

/** The sockets of a member: what comes in, and what sends past the qdisc. */
export interface Sockets {
  readonly ring: PacketRing;
  readonly direct: number;
}

/** The same for the worker. */
export function memberPlaceOf({ ring, direct }: Sockets): MemberPlace {
  return { ring: placeOf(ring), direct };
}

export function placeOf(ring: PacketRing): RingPlace {
  return { fd: ring.fd, address: ring.memory.address, blocks: ring.blocks };
}

/** Of a bond's own ring or a member's, by slot; the name of the lower end is its own in the whole namespace. */
export function ringName(lowerName: string, of: 'host' | number): string {
  return `${lowerName}/${of}`;
}

/** The ring of an interface. `isKept`: it was taken over, and its head counts on. */
export function openRing(
  keeper: SocketKeeper,
  name: string,
  ifindex: number,
  blocks: number,
): { readonly ring: PacketRing; readonly isKept: boolean } {
  const kept = takeBound(keeper, name, ifindex);
  if (kept !== undefined) {
    const memory = kept.memory ?? mapPacketRing(kept.fd, kept.blocks);
    return { ring: { fd: kept.fd, memory, blocks: kept.blocks }, isKept: true };
  }
  const ring = openPacketRing(ifindex, blocks);
  keeper.keep(name, { fd: ring.fd, blocks: ring.blocks });
  return { ring, isKept: false };
}

/** Lets go of a ring for good, wherever it is kept; the answer gives back the one here, when nobody reads it any more. */
export function shutRing(keeper: SocketKeeper, name: string, ring: PacketRing): () => void {
  keeper.drop(name);
  return () => {
    ring.memory.unmap();
    closeFd(ring.fd);
  };
}

/** A socket that sends past the qdisc of an interface; `name` is that of its ring. */
export function openSender(keeper: SocketKeeper, name: string, ifindex: number): number {
  const kept = takeBound(keeper, senderName(name), ifindex);
  if (kept !== undefined) return kept.fd;
  const fd = openDirectSender(ifindex);
  keeper.keep(senderName(name), { fd, blocks: 0 });
  return fd;
}

/** The same for a sender. */
export function shutSender(keeper: SocketKeeper, name: string, fd: number): () => void {
  keeper.drop(senderName(name));
  return () => closeFd(fd);
}

/** Lets go of a ring, and of the sender beside it, that nobody can go on with. */
export function forgetKept(keeper: SocketKeeper, name: string): void {
  for (const each of [name, senderName(name)]) {
    const kept = keeper.take(each);
    if (kept === undefined) continue;
    const { memory } = kept;
    if (memory !== undefined) forwarder.forgetAhead(memory.address, () => memory.unmap());
    closeFd(kept.fd);
    keeper.drop(each);
  }
}

function senderName(ring: string): string {
  return `${ring}/direct`;
}

/** One that was kept, unless its interface is another by now. */
function takeBound(keeper: SocketKeeper, name: string, ifindex: number): TakenSocket | undefined {
  const kept = keeper.take(name);
  if (kept === undefined || isBoundTo(kept.fd, ifindex)) return kept;
  const { memory } = kept;
  // The worker may have looked at it ahead.
  if (memory !== undefined) forwarder.forgetAhead(memory.address, () => memory.unmap());
  closeFd(kept.fd);
  keeper.drop(name);
  return undefined;
}
