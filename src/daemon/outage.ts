// What a failure cost: how long nothing could be sent, and how many frames were lost, as the data plane counted them.
import type { BondDataPlane } from '../dataplane/index.js';
import { monotonicNs } from '../linux/index.js';
import type { EventRecord } from './api/api.js';

/** What a failure cost, where known. */
export type Outage = Pick<EventRecord, 'outageMs' | 'lostPackets'>;

/** Since it was asked last; unknown where the programs cannot see the carrier. */
export function outageOf(plane: BondDataPlane): Outage {
  if (!plane.checksCarrier) return {};
  const { packets, sinceNs } = plane.takeLoss();
  const outageMs = sinceNs === null ? 0 : Number((monotonicNs() - sinceNs) / 10_000n) / 100;
  return { outageMs, lostPackets: packets };
}
