// Packets that two hosts send each other, counted at the other end: none may be lost. Needs the lab's meter.
import { expect } from 'vitest';
import { type Meter, reportLine, startMeter } from '../../src/lab/index.js';
import type { TwoEnds } from './two-ends.js';

/** Packets a second of one stream: few enough for queues of a busy machine, so that what is lost is lost to the bond. */
export const STREAM_RATE = 50;

/** Four streams each way, so that both cables carry some. */
export async function streams(ends: TwoEnds): Promise<Meter[]> {
  const pairs = [
    [ends.left, ends.right],
    [ends.right, ends.left],
  ] as const;
  const meters = pairs.flatMap(([from, to]) =>
    [1, 2, 3, 4].map(number =>
      startMeter({
        from: argv => from.spawn(argv),
        to: argv => to.spawn(argv),
        address: to.address,
        port: 5000 + number,
        rate: STREAM_RATE,
        seconds: 0,
      }),
    ),
  );
  return Promise.all(meters);
}

export async function expectNoneLost(meters: readonly Meter[]): Promise<void> {
  for (const meter of meters) meter.stop();
  const reports = await Promise.all(meters.map(({ done }) => done));
  for (const report of reports) console.log(reportLine(report));
  const sums = reports.map(({ lost, refused, doubled }) => lost + refused + doubled);
  expect(sums).toEqual(reports.map(() => 0));
}
