// The loss meter's sender: numbered datagrams at a steady rate, each offered to the kernel once. It blocks its process
// between two datagrams, which is therefore one of its own.
import { errnoName } from '../base/index.js';
import { UdpBatch } from '../linux/index.js';
import {
  END_HIGH,
  END_PAYLOAD,
  MARK,
  MARK_AT,
  NUMBER_AT,
  RUN_AT,
  type SenderMessage,
  SMALLEST_PAYLOAD,
  TOTAL_AT,
} from './meter-messages.js';
import { type Pace, steadyPace } from './pace.js';

export interface SendOptions {
  readonly address: string;
  readonly port: number;
  /** Datagrams a second. */
  readonly rate: number;
  /** 0: until `stop` says so. */
  readonly seconds: number;
  readonly bytes: number;
  /** Tells streams apart. */
  readonly run: number;
  readonly tell: (message: SenderMessage) => void;
  readonly stop: AbortSignal;
}

const MOST_AT_ONCE = 64;
const PROGRESS_MS = 100;
const ENDS = 3;
const END_PAUSE_MS = 20;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps with a precision of about 0.06 ms, which timers do not have. */
function sleep(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

/** The event loop's turn: signals and the parent's wishes. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** Sends the stream; resolves when it is over and the receiver has been told how many there were. */
export async function sendStream(options: SendOptions): Promise<void> {
  const payloadBytes = Math.max(SMALLEST_PAYLOAD, options.bytes);
  const remote = { address: options.address, port: options.port };
  const socket = UdpBatch.open({ remote, batch: MOST_AT_ONCE, payloadBytes });
  try {
    const sender = new Sender(socket, options.run);
    const count =
      options.seconds === 0 ? Number.MAX_SAFE_INTEGER : Math.round(options.rate * options.seconds);
    const startMs = performance.now();
    options.tell({ kind: 'started', atMs: performance.timeOrigin + startMs });
    await sendAll(sender, steadyPace(startMs, options.rate, count, MOST_AT_ONCE), count, options);
    const { sent, refused } = sender;
    const refusedBy = Object.fromEntries(sender.refusedBy);
    const { sendingMs, stallMs: senderStallMs } = sender;
    try {
      sendEnds(remote, options.run, sent);
    } catch {
      // The network may be gone by now; whoever started both ends knows the count from the result.
    }
    options.tell({ kind: 'result', sent, refused, refusedBy, sendingMs, senderStallMs });
  } finally {
    socket.close();
  }
}

async function sendAll(sender: Sender, pace: Pace, count: number, options: SendOptions): Promise<void> {
  let nextTurnMs = performance.now() + PROGRESS_MS;
  while (sender.sent < count && !options.stop.aborted) {
    const nowMs = performance.now();
    const due = pace.due(nowMs, sender.sent);
    if (due > 0) sender.send(due, nowMs);
    else sleep(pace.sleepMs(nowMs, sender.sent));
    if (nowMs >= nextTurnMs) {
      nextTurnMs = nowMs + PROGRESS_MS;
      options.tell({ kind: 'progress', sent: sender.sent, refused: sender.refused });
      await turn();
    }
  }
}

/** The numbering and the account of what the kernel refused. */
class Sender {
  readonly #socket: UdpBatch;
  readonly #view: DataView;
  readonly refusedBy: Map<string, number> = new Map();
  sent = 0;
  refused = 0;
  stallMs = 0;
  #firstMs = 0;
  #lastMs = 0;

  constructor(socket: UdpBatch, run: number) {
    this.#socket = socket;
    this.#view = new DataView(socket.outgoing.buffer, socket.outgoing.byteOffset, socket.outgoing.byteLength);
    for (let slot = 0; slot < socket.batch; slot++) {
      this.#view.setUint32(slot * socket.stride + RUN_AT, run);
      this.#view.setUint32(slot * socket.stride + MARK_AT, MARK);
    }
  }

  get sendingMs(): number {
    return this.#lastMs - this.#firstMs;
  }

  /** Offers the next `count` datagrams to the kernel, each once: one that is refused is not sent again. */
  send(count: number, nowMs: number): void {
    if (this.sent === 0) this.#firstMs = nowMs;
    else this.stallMs = Math.max(this.stallMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    let left = count;
    while (left > 0) {
      for (let slot = 0; slot < left; slot++) {
        const number = this.sent + slot;
        const at = slot * this.#socket.stride + NUMBER_AT;
        this.#view.setUint32(at, Math.floor(number / 2 ** 32));
        this.#view.setUint32(at + 4, number);
      }
      const went = this.#socket.send(left);
      if (went > 0) {
        this.sent += went;
        left -= went;
      } else {
        const name = errnoName(went);
        this.refusedBy.set(name, (this.refusedBy.get(name) ?? 0) + 1);
        this.refused++;
        this.sent++;
        left--;
      }
    }
  }
}

/** Tells the receiver how many there were, more than once because these may be lost as well. */
function sendEnds(
  remote: { readonly address: string; readonly port: number },
  run: number,
  sent: number,
): void {
  const socket = UdpBatch.open({ remote, batch: 1, payloadBytes: END_PAYLOAD });
  try {
    const view = new DataView(socket.outgoing.buffer, socket.outgoing.byteOffset, socket.outgoing.byteLength);
    view.setUint32(NUMBER_AT, END_HIGH);
    view.setUint32(NUMBER_AT + 4, END_HIGH);
    view.setUint32(RUN_AT, run);
    view.setUint32(MARK_AT, MARK);
    view.setUint32(TOTAL_AT, sent);
    for (let time = 0; time < ENDS; time++) {
      sleep(END_PAUSE_MS);
      socket.send(1);
    }
  } finally {
    socket.close();
  }
}
