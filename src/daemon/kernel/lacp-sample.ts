// Who speaks LACP on an interface at the moment: for bonds that do not, in `doctor`.
import { type LacpEnd, parseSlowFrame } from '../../frames/index.js';
import { ETH_P_ALL, isErrno, PacketSocket, SLOW_FRAMES } from '../../linux/index.js';

const LOOK_EVERY_MS = 20;
const OUTGOING = 4;
const LONGEST_BYTES = 256;

/** What the last LACPDU on each of these interfaces said of its sender, heard from now on for `durationMs`; whoever was not heard is not in it. */
export async function sampleLacp(
  ifindexes: readonly number[],
  durationMs: number,
): Promise<ReadonlyMap<number, LacpEnd>> {
  const heard = new Map<number, LacpEnd>();
  const ears = new Map<number, PacketSocket>();
  try {
    for (const ifindex of ifindexes) {
      const ear = open(ifindex);
      if (ear !== undefined) ears.set(ifindex, ear);
    }
    const deadline = performance.now() + durationMs;
    while (heard.size < ears.size && performance.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
      for (const [ifindex, ear] of ears) {
        for (let frame = ear.receive(); frame !== undefined; frame = ear.receive()) {
          if (frame.packetType === OUTGOING || frame.vlan !== undefined) continue;
          const parsed = parseSlowFrame(frame.data);
          if (parsed.ok && parsed.value.kind === 'lacpdu') heard.set(ifindex, parsed.value.pdu.actor);
        }
      }
    }
    return heard;
  } finally {
    for (const ear of ears.values()) ear.close();
  }
}

/** Undefined where nobody may listen, or nothing is: doctor tells the one by the capabilities, the other by the link. */
function open(ifindex: number): PacketSocket | undefined {
  try {
    return PacketSocket.open({
      ifindex,
      protocol: ETH_P_ALL,
      filter: SLOW_FRAMES,
      auxData: true,
      maxFrameBytes: LONGEST_BYTES,
    });
  } catch (error) {
    if (isErrno(error, 'ENODEV', 'ENXIO', 'EPERM')) return undefined;
    throw error;
  }
}
