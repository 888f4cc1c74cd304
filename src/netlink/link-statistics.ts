// Counters of a link (struct rtnl_link_stats64, attribute IFLA_STATS64).
import type { Codec } from './attribute.js';

/** Names of the counters in the order of struct rtnl_link_stats64. */
export const LINK_COUNTERS = [
  'rxPackets',
  'txPackets',
  'rxBytes',
  'txBytes',
  'rxErrors',
  'txErrors',
  'rxDropped',
  'txDropped',
  'multicast',
  'collisions',
  'rxLengthErrors',
  'rxOverErrors',
  'rxCrcErrors',
  'rxFrameErrors',
  'rxFifoErrors',
  'rxMissedErrors',
  'txAbortedErrors',
  'txCarrierErrors',
  'txFifoErrors',
  'txHeartbeatErrors',
  'txWindowErrors',
  'rxCompressed',
  'txCompressed',
  'rxNohandler',
  'rxOtherhostDropped',
] as const;

/** Packets, bytes and errors since the device was made; exact up to 2^53. A kernel too old for a counter gives 0. */
export type LinkStatistics = Readonly<Record<(typeof LINK_COUNTERS)[number], number>>;

/** IFLA_STATS64; kernels differ in how many counters there are. */
export const linkStatistics: Codec<LinkStatistics> = {
  read: value => {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const statistics: Partial<Record<(typeof LINK_COUNTERS)[number], number>> = {};
    for (const [i, counter] of LINK_COUNTERS.entries()) {
      statistics[counter] =
        8 * i + 8 <= value.length
          ? view.getUint32(8 * i, true) + view.getUint32(8 * i + 4, true) * 2 ** 32
          : 0;
    }
    return statistics as LinkStatistics;
  },
  write: value => {
    const bytes = new Uint8Array(8 * LINK_COUNTERS.length);
    const view = new DataView(bytes.buffer);
    for (const [i, counter] of LINK_COUNTERS.entries())
      view.setBigUint64(8 * i, BigInt(value[counter]), true);
    return bytes;
  },
};
