// Which transmit queue of a bond frames go into that nobody gave one.
import { getLink, type Rtnetlink, steerTransmit } from '../../linux/index.js';

/** Frames that nobody gave a queue go into queue 0, which is tied to no member. Gives why that cannot be, as a clause. */
export function steerUnchosen(netlink: Rtnetlink, bondIfindex: number): string | undefined {
  try {
    steerTransmit(getLink(netlink, bondIfindex)?.name ?? '', 0);
    return undefined;
  } catch (error) {
    return `frames cannot be kept out of the other queues (${error instanceof Error ? error.message : String(error)})`;
  }
}
