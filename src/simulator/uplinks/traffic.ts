// What clients in the office do: a call, a connection that is made anew when it is ended, or a new flow for every question. (simulator)
import type { Family, LineNumber } from '../../uplinks/index.js';
import type { Clock } from '../clock.js';
import type { FlowKey } from './flow-table.js';
import type { Gateway, Loss } from './gateway.js';
import type { TrafficSpec } from './scenario.js';

/** An answer that comes later is none for whoever asked. */
const LATEST_MS = 3000;
const BYTES = 200;
const FIRST_PORT = 20_000;
/** Time to see what became of the last questions. */
const END_MARGIN_MS = 2000;

export interface TrafficTotals {
  readonly name: string;
  readonly kind: TrafficSpec['kind'];
  readonly sent: number;
  readonly lost: number;
  /** Connections that were ended, and made anew. */
  readonly ended: number;
  /** Between two answers. */
  readonly longestGapMs: number;
}

export type LossWatch = (traffic: Traffic, why: Loss, line: LineNumber | null) => void;

export class Traffic {
  readonly spec: TrafficSpec;
  readonly family: Family;
  readonly #clock: Clock;
  readonly #gateway: Gateway;
  readonly #client: number;
  readonly #watch: LossWatch;
  #sourcePort: number;
  /** Of a connection: as what the server knows its other end; null: it is not made yet. */
  #knownAs: string | null = null;
  #sent = 0;
  #answered = 0;
  #ended = 0;
  #open = 0;
  #lastAnswerMs: number;
  #longestGapMs = 0;

  constructor(spec: TrafficSpec, place: number, clock: Clock, gateway: Gateway, watch: LossWatch) {
    this.spec = spec;
    this.family = spec.family ?? 'ipv4';
    this.#clock = clock;
    this.#gateway = gateway;
    this.#client = spec.client ?? place;
    this.#watch = watch;
    this.#sourcePort = FIRST_PORT + 1000 * place;
    this.#lastAnswerMs = spec.startMs ?? 0;
  }

  /** The flow that runs, or the next one of those that are new every time. */
  key(): FlowKey {
    return {
      family: this.family,
      transport: this.spec.kind === 'tcp' ? 'tcp' : 'udp',
      client: this.#client,
      sourcePort: this.#sourcePort,
      port: this.spec.port ?? 443,
    };
  }

  /** A flow that was there before is under way. */
  get isRunning(): boolean {
    return this.spec.kind === 'udp' || (this.spec.kind === 'tcp' && this.#knownAs !== null);
  }

  /** Asks from its start to its end. */
  begin(lengthMs: number): void {
    const { startMs = 0, endMs = lengthMs - END_MARGIN_MS, everyMs } = this.spec;
    const ask = (): void => {
      if (this.#clock.now >= endMs) {
        this.#noteGap();
        return;
      }
      this.#ask();
      this.#clock.after(everyMs, ask);
    };
    this.#clock.at(startMs, ask);
  }

  #ask(): void {
    if (this.spec.kind === 'requests') this.#sourcePort++;
    const { now } = this.#clock;
    const key = this.key();
    let isReset = false;
    this.#sent++;
    this.#open++;
    this.#gateway.send({
      key,
      bytes: BYTES,
      heard: address => {
        if (this.spec.kind !== 'tcp' || key.sourcePort !== this.#sourcePort) return;
        this.#knownAs ??= address;
        isReset = this.#knownAs !== address;
      },
      answered: () => {
        this.#open--;
        if (this.#clock.now - now > LATEST_MS) return;
        if (isReset) this.#connectAnew(key.sourcePort);
        else this.#noteAnswer();
      },
      lost: (why, line) => {
        this.#open--;
        this.#watch(this, why, line);
      },
    });
  }

  /** The server knows of no such connection, and says so. */
  #connectAnew(port: number): void {
    if (port !== this.#sourcePort) return;
    this.#ended++;
    this.#sourcePort++;
    this.#knownAs = null;
  }

  #noteAnswer(): void {
    this.#answered++;
    this.#noteGap();
    this.#lastAnswerMs = this.#clock.now;
  }

  #noteGap(): void {
    this.#longestGapMs = Math.max(this.#longestGapMs, this.#clock.now - this.#lastAnswerMs);
  }

  totals(): TrafficTotals {
    const lost = this.#sent - this.#answered - this.#open;
    const { name, kind } = this.spec;
    return {
      name,
      kind,
      sent: this.#sent,
      lost,
      ended: this.#ended,
      longestGapMs: Math.round(this.#longestGapMs),
    };
  }
}
