// A flow of numbered packets, counted strictly: what was sent, arrived, arrived twice, and the longest silence. (simulator)
import { FIRST_FLOW_PORT, type FlowSpec } from './scenario.js';

export class FlowRun {
  readonly spec: FlowSpec;
  /** Packets that the flow has from start to end. */
  readonly planned: number;
  readonly intervalMs: number;
  /** UDP port of both ends. */
  readonly port: number;
  /** Address that it is sent from; known from the first packet on. */
  source: string = '';
  sent: number = 0;
  received: number = 0;
  duplicated: number = 0;
  /** Interfaces of the sender that sent it since the last look. */
  readonly carriers: Set<string> = new Set();
  readonly #seen: Uint8Array;
  #lastMs: number;
  #longestMs = 0;

  /** `nth` of the scenario's flows, from 0. */
  constructor(spec: FlowSpec, nth: number) {
    this.spec = spec;
    this.port = FIRST_FLOW_PORT + nth;
    this.intervalMs = 1000 / spec.packetsPerSecond;
    this.planned = Math.max(0, Math.floor((spec.endMs - spec.startMs) / this.intervalMs));
    this.#seen = new Uint8Array(this.planned);
    this.#lastMs = spec.startMs;
  }

  /** True when this packet was here already. */
  arrived(sequence: number, now: number): boolean {
    if (this.#seen[sequence] === 1) {
      this.duplicated++;
      return true;
    }
    this.#seen[sequence] = 1;
    this.received++;
    this.#longestMs = Math.max(this.#longestMs, now - this.#lastMs);
    this.#lastMs = now;
    return false;
  }

  /** Sent and not (yet) arrived. */
  get lost(): number {
    return this.sent - this.received;
  }

  /** Between two arrivals, start and end of the flow counted as such; whole milliseconds. */
  longestGap(now: number): number {
    const until = Math.min(now, this.spec.endMs);
    return Math.round(Math.max(this.#longestMs, until - this.#lastMs));
  }

  takeCarriers(): string {
    const text = [...this.carriers].toSorted().join(' ');
    this.carriers.clear();
    return text;
  }
}
