// Shares out what a stream lost: refused, in a cable that was cut, by the machine's own queues, behind the switch's ports, in the
// meter, or by the bond.
import type { MeterReport } from './loss-meter.js';

/** Where lost packets were lost; all of them together are those of the report. */
export interface LossShares {
  /** Refused by the sender's kernel, with an errno. */
  readonly refused: number;
  /** On their way in a cable while it was cut. */
  readonly cable: number;
  /** Dropped by a queue of the machine between two interfaces (the backlog of a processor that did not get to it). */
  readonly machine: number;
  /** Came in at a port of the switch, and no further: the port was being opened or closed. */
  readonly beyond: number;
  /** Reached the receiver's socket, which was full. */
  readonly meter: number;
  /** All others. */
  readonly bond: number;
}

/** What counters grew by while a stream went on. */
export interface Drops {
  /** Frames that were in cables while these were cut: `Lab.swallowed`. */
  readonly swallowed: number;
  /** Frames that did not get from a bond's interface to its lower end. */
  readonly lower: number;
  /** Frames that did not get from a member to the switch's port. */
  readonly ports: number;
  /** Frames that did not fit into a processor's queue, of all interfaces of the machine. */
  readonly processors: number;
}

/** Accounts for each packet that the report has as lost; `cameIn` says which of them came in at the switch. */
export function shareOut(
  report: Pick<MeterReport, 'lost' | 'refused' | 'overflowed' | 'lostRuns'>,
  cameIn: (number: number) => boolean,
  drops: Drops,
): LossShares {
  let seen = 0;
  for (const { first, count } of report.lostRuns) {
    for (let number = first; number < first + count; number++) if (cameIn(number)) seen++;
  }
  let left = report.lost;
  const take = (count: number): number => {
    const taken = Math.max(0, Math.min(left, count));
    left -= taken;
    return taken;
  };
  const refused = take(report.refused);
  const meter = take(Math.min(seen, report.overflowed));
  const beyond = take(seen - meter);
  const cable = take(drops.swallowed);
  // An interface counts what did not fit into the queue in front of it, and what came while it was closed; only the former is
  // in the processors' own count, which is the whole machine's.
  const machine = take(Math.min(drops.ports - drops.swallowed + drops.lower, drops.processors));
  return { refused, meter, beyond, cable, machine, bond: left };
}

/** The shares in words: what was lost where. */
export function sharesText(shares: LossShares): string {
  const words: readonly [keyof LossShares, string][] = [
    ['bond', 'by the bond'],
    ['refused', "refused by the sender's kernel"],
    ['cable', 'in a cable while it was cut'],
    ['machine', "in the machine's own queues"],
    ['beyond', 'behind a port of the switch that was being opened or closed'],
    ['meter', "in the meter's full socket"],
  ];
  const parts = words
    .filter(([share]) => shares[share] > 0)
    .map(([share, where]) => `${shares[share]} ${where}`);
  return parts.length === 0 ? 'nothing was lost' : `lost: ${parts.join(', ')}`;
}
