// A stream of numbered packets from the host of a stage to the peer, as failovers are watched with.
import { type Meter, type MeterReport, reportLine, startMeter } from '../../src/lab/index.js';
import { type Stage, until } from './stage.js';

/** Nothing lost, doubled, or refused by the sender's kernel. */
export const NO_LOSSES = { lost: 0, doubled: 0, refused: 0 };

export class Traffic {
  readonly #meter: Meter;
  readonly #rate: number;

  private constructor(meter: Meter, rate: number) {
    this.#meter = meter;
    this.#rate = rate;
  }

  /** Sends so many packets a second until report(); waits until they arrive. */
  static async start({ lab }: Stage, rate: number): Promise<Traffic> {
    const meter = await startMeter({
      from: argv => lab.spawn('host', argv),
      to: argv => lab.spawn('peer', argv),
      address: lab.peerIp,
      rate,
      seconds: 0,
    });
    const traffic = new Traffic(meter, rate);
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
  async report(what: string): Promise<MeterReport> {
    this.#meter.stop();
    const report = await this.#meter.done;
    console.log(`${what}: ${reportLine(report)}`);
    return report;
  }
}
