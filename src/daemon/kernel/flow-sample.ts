// What a bond sends at the moment, and how each hash policy would spread it over its members: the advice of `doctor`.
import { ETH_P_ALL, PacketSocket } from '../../linux/index.js';
import { HASH_POLICIES, type HashPolicy, transmitHash } from '../../policy/index.js';

/** So much of a frame is kept: addresses, ports, and those inside of a tunnel. */
const KEPT_BYTES = 192;
/** Enough to judge by; more would only take memory. */
const MOST_FRAMES = 5000;
const LOOK_EVERY_MS = 10;
const OUTGOING = 4;
const RECEIVE_BUFFER_BYTES = 4 << 20;

/** The beginning of a frame that was sent, its tag beside it (0: none), and its whole length in bytes. */
export interface SampledFrame {
  readonly head: Uint8Array;
  readonly vlanTci: number;
  readonly length: number;
}

/** A policy, and the part of the bytes that its busiest member would carry, 0 to 1. */
export interface Spread {
  readonly policy: HashPolicy;
  readonly busiest: number;
}

/** Frames that an interface sends from now on, for `durationMs` or until there are enough. Throws SystemError. */
export async function sampleFlows(ifindex: number, durationMs: number): Promise<SampledFrame[]> {
  const socket = PacketSocket.open({
    ifindex,
    protocol: ETH_P_ALL,
    ignoreOutgoing: false,
    auxData: true,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    maxFrameBytes: KEPT_BYTES,
  });
  try {
    const frames: SampledFrame[] = [];
    const deadline = performance.now() + durationMs;
    while (performance.now() < deadline && frames.length < MOST_FRAMES) {
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
      for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
        if (frame.packetType !== OUTGOING) continue;
        const { data, length, vlan } = frame;
        frames.push({ head: data.slice(), vlanTci: vlan?.tci ?? 0, length });
        if (frames.length === MOST_FRAMES) break;
      }
    }
    return frames;
  } finally {
    socket.close();
  }
}

/** How each policy would spread these frames over so many members, the most even first; equal ones in the driver's order. */
export function spreads(frames: readonly SampledFrame[], members: number): Spread[] {
  const results = HASH_POLICIES.map(policy => {
    const carried = Array.from({ length: members }, () => 0);
    for (const { head, vlanTci, length } of frames) {
      const at = transmitHash(policy, head, vlanTci) % members;
      carried[at] = (carried[at] ?? 0) + length;
    }
    const all = carried.reduce((sum, bytes) => sum + bytes, 0);
    return { policy, busiest: all === 0 ? 1 : Math.max(...carried) / all };
  });
  return results.toSorted((a, b) => a.busiest - b.busiest);
}
