// A stream of numbered packets from the host of a stage to the peer, as failovers are watched with.
import { expect } from 'vitest';
import {
  type LossShares,
  type Meter,
  type MeterReport,
  reportLine,
  sharesText,
  startMeter,
  StreamWatch,
} from '../../src/lab/index.js';
import { type Stage, until } from './stage.js';

/** What came of a stream, and where its lost packets were lost. */
export type StreamReport = MeterReport & { readonly shares: LossShares };

export class Traffic {
  readonly #meter: Meter;
  readonly #rate: number;
  readonly #watch: StreamWatch;

  private constructor(meter: Meter, rate: number, watch: StreamWatch) {
    this.#meter = meter;
    this.#rate = rate;
    this.#watch = watch;
  }

  /** Sends so many packets a second until report(); waits until they arrive. */
  static async start({ lab }: Stage, rate: number): Promise<Traffic> {
    const watch = new StreamWatch(lab);
    const meter = await startMeter({
      from: argv => lab.spawn('host', argv),
      to: argv => lab.spawn('peer', argv),
      address: lab.peerIp,
      rate,
      seconds: 0,
    });
    // A test that fails in the midst of a stream leaves the sockets to this.
    meter.done.catch(() => {}).finally(() => watch.close());
    const traffic = new Traffic(meter, rate, watch);
    await traffic.flowing();
    return traffic;
  }

  /** Waits for another 200 ms' worth of packets to arrive. */
  async flowing(): Promise<void> {
    const wanted = this.#meter.progress.received + this.#rate / 5;
    await until('packets arrive', () => this.#meter.progress.received >= wanted);
  }

  /** The same, of packets that are sent, whether they arrive or not. */
  async sending(): Promise<void> {
    const wanted = this.#meter.progress.sent + this.#rate / 5;
    await until('packets are sent', () => this.#meter.progress.sent >= wanted);
  }

  /** Ends it, prints what came of it, and gives that. */
  async report(what: string): Promise<StreamReport> {
    this.#meter.stop();
    const report = await this.#meter.done;
    const shares = this.#watch.shares(report);
    console.log(`${what}: ${reportLine(report)}; ${sharesText(shares)}`);
    return { ...report, shares };
  }
}

/**
 * The bond lost and doubled nothing, and the sender's kernel took every packet. What a cable swallowed while it was cut, or the
 * machine's own queues dropped, is not held against the bond. In mode broadcast packets come doubled.
 */
export function expectNothingLost({ shares, doubled }: StreamReport, mayDouble = false): void {
  const { bond, refused } = shares;
  expect({ bond, refused, doubled: mayDouble ? 0 : doubled }, sharesText(shares)).toEqual({
    bond: 0,
    refused: 0,
    doubled: 0,
  });
}
