// What a failure cost: how long nothing could be sent, and how many frames were lost, as the data plane counted them.
import type { TimeMs } from '../policy/index.js';
import type { Outage, Packets } from './ports.js';

/** Since it was asked last; unknown where the data plane cannot see the carrier. */
export function outageOf(packets: Packets, now: TimeMs): Outage {
  if (!packets.checksCarrier) return {};
  const { packets: lostPackets, sinceNs } = packets.takeLoss();
  // Hundredths of a millisecond.
  const outageMs = sinceNs === null ? 0 : Math.floor((now * 1e6 - Number(sinceNs)) / 1e4) / 100;
  return { outageMs: Math.max(0, outageMs), lostPackets };
}
