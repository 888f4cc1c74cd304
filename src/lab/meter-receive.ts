// The loss meter's receiver: takes datagrams out of a large socket buffer and accounts for each.
import { readFileSync } from 'node:fs';
import { UdpBatch } from '../linux/index.js';
import {
  END_HIGH,
  END_PAYLOAD,
  MARK,
  MARK_AT,
  NUMBER_AT,
  type ReceiverMessage,
  RUN_AT,
  SMALLEST_PAYLOAD,
  TOTAL_AT,
} from './meter-messages.js';
import { HIGHEST_NUMBER, StreamTally } from './stream-tally.js';

export interface ReceiveOptions {
  readonly port: number;
  /** 0: until `stop` says so. */
  readonly seconds: number;
  /** Take packets of this run only; null: of the first that comes, and end when the sender says that it is over. */
  readonly run: number | null;
  readonly tell: (message: ReceiverMessage) => void;
  readonly stop: AbortSignal;
}

/** Room for more than a second of 50,000 small packets. */
const SOCKET_BUFFER_BYTES = 64 * 1024 * 1024;
const BATCH = 256;
/** Between two looks at the socket: bounds what a fast stream costs, and is how exactly gaps are known. */
const LOOK_MS = 1;
const PROGRESS_MS = 100;
const END_LINGER_MS = 200;

/** Receives until the end; tells `ready`, now and then `progress`, and the `result`. */
export async function receiveStream(options: ReceiveOptions): Promise<void> {
  const socket = UdpBatch.open({
    local: { address: '0.0.0.0', port: options.port },
    batch: BATCH,
    payloadBytes: END_PAYLOAD,
    socketBufferBytes: SOCKET_BUFFER_BYTES,
  });
  const receiver = new Receiver(socket, options.run);
  try {
    options.tell({ kind: 'ready' });
    const endMs = options.seconds === 0 ? Infinity : performance.now() + options.seconds * 1000;
    let nextProgressMs = performance.now() + PROGRESS_MS;
    for (;;) {
      receiver.drain();
      const nowMs = performance.now();
      if (options.stop.aborted || nowMs >= Math.min(endMs, receiver.overMs)) break;
      if (nowMs >= nextProgressMs) {
        nextProgressMs = nowMs + PROGRESS_MS;
        options.tell(receiver.progress(nowMs));
      }
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    }
    receiver.drain();
    options.tell(receiver.result(options.port));
  } finally {
    socket.close();
  }
}

class Receiver {
  readonly #socket: UdpBatch;
  readonly #view: DataView;
  readonly #tally = new StreamTally();
  readonly #endsItself: boolean;
  #run: number | null;
  #foreign = 0;
  #total: number | null = null;
  /** When the stream is known to be over. */
  overMs = Infinity;

  constructor(socket: UdpBatch, run: number | null) {
    this.#socket = socket;
    this.#view = new DataView(socket.incoming.buffer, socket.incoming.byteOffset, socket.incoming.byteLength);
    this.#run = run;
    this.#endsItself = run === null;
  }

  /** Takes all that waits. */
  drain(): void {
    for (;;) {
      const count = this.#socket.receive();
      // An error that an earlier datagram caused is none of ours; it is told once.
      if (count <= 0) return;
      const nowMs = performance.now();
      for (let slot = 0; slot < count; slot++) {
        this.#take(slot * this.#socket.stride, this.#socket.lengths[slot] ?? 0, nowMs);
      }
      if (count < this.#socket.batch) return;
    }
  }

  #take(at: number, length: number, nowMs: number): void {
    const view = this.#view;
    if (length < SMALLEST_PAYLOAD || view.getUint32(at + MARK_AT) !== MARK) {
      this.#foreign++;
      return;
    }
    const run = view.getUint32(at + RUN_AT);
    this.#run ??= run;
    const high = view.getUint32(at + NUMBER_AT);
    const number = view.getUint32(at + NUMBER_AT + 4);
    if (run !== this.#run) {
      this.#foreign++;
    } else if (high === END_HIGH) {
      if (length >= END_PAYLOAD) this.#total = view.getUint32(at + TOTAL_AT);
      if (this.#endsItself && this.overMs === Infinity) this.overMs = nowMs + END_LINGER_MS;
    } else if (high !== 0 || number > HIGHEST_NUMBER) {
      this.#foreign++;
    } else {
      this.#tally.arrive(number, nowMs);
    }
  }

  progress(nowMs: number): ReceiverMessage {
    const { received, doubled, missing, longestGapMs, lastMs } = this.#tally.counts();
    const silentMs = lastMs === null ? 0 : nowMs - lastMs;
    return { kind: 'progress', received, doubled, missing, longestGapMs, silentMs };
  }

  result(port: number): ReceiverMessage {
    const report = this.#tally.report();
    const total = Math.max(this.#total ?? 0, report.highest + 1);
    return {
      kind: 'result',
      ...report,
      missing: total - report.received,
      total: this.#total,
      missingRuns: this.#tally.missingRuns(total),
      foreign: this.#foreign,
      overflowed: droppedBySocket(port),
    };
  }
}

/** How many datagrams did not fit into the socket's buffer: the last column of /proc/net/udp. */
function droppedBySocket(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync('/proc/thread-self/net/udp', 'latin1').split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(local) === true) return Number(columns.at(-1) ?? 0);
  }
  return 0;
}
