// The strict loss meter: numbered datagrams from a sender process to a receiver process, every one accounted for. A
// datagram that the kernel refused is lost like one that vanished on the way; ping would send it again and not say so.
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ReceiverMessage, SenderMessage } from './meter-messages.js';
import type { Gap, MissingRun } from './stream-tally.js';

/** Starts a program where one end of the stream is to be, with its three standard streams as pipes. */
export type Spawn = (argv: readonly string[]) => ChildProcess;

export interface MeterOptions {
  readonly from: Spawn;
  readonly to: Spawn;
  /** Where the receiver can be reached. */
  readonly address: string;
  readonly port?: number;
  /** Datagrams a second. */
  readonly rate: number;
  /** 0: until `stop`. */
  readonly seconds: number;
  /** Payload bytes, at least 18 (which makes a frame of 64 bytes with its checksum). */
  readonly bytes?: number;
  /** Called about ten times a second by each end. */
  readonly onProgress?: (progress: MeterProgress) => void;
}

/** Counts so far. */
export interface MeterProgress {
  readonly sent: number;
  readonly refused: number;
  readonly received: number;
  readonly doubled: number;
  /** Numbers that were overtaken by a higher one. */
  readonly missing: number;
  readonly longestGapMs: number;
  /** How long nothing has arrived, by the receiver's clock. */
  readonly silentMs: number;
}

export interface MeterReport {
  /** Datagrams that were numbered and offered to the kernel. */
  readonly sent: number;
  /** Of these, refused with an errno at once. They count as lost. */
  readonly refused: number;
  /** Refusals by errno name. */
  readonly refusedBy: Readonly<Record<string, number>>;
  readonly received: number;
  /** Sent and never seen, refused ones among them. */
  readonly lost: number;
  readonly lostRuns: readonly MissingRun[];
  readonly doubled: number;
  readonly reordered: number;
  /** Datagrams to the port that are none of this stream's. */
  readonly foreign: number;
  /** Datagrams that reached the receiver's socket and did not fit: the meter's own loss. Counted in `lost`, too. */
  readonly overflowed: number;
  readonly longestGapMs: number;
  readonly longestGapAtMs: number;
  /** Gaps of 5 ms and more. */
  readonly gaps: readonly Gap[];
  /** From the first to the last datagram sent. */
  readonly sendingMs: number;
  /** The sender's longest time between two datagrams: no gap of the network can be told from one that is shorter. */
  readonly senderStallMs: number;
}

export interface Meter {
  /** Counts so far. */
  readonly progress: MeterProgress;
  /** When the first datagram was sent: wall clock, milliseconds; null until then. */
  readonly startedAt: number | null;
  /** Fails when one end could not do its work. */
  readonly done: Promise<MeterReport>;
  /** Ends the stream now; `done` then gives its report. */
  stop(): void;
}

// From the compiled file and, in tests, from the source.
const MAIN = fileURLToPath(new URL('../../dist/lab/meter-main.js', import.meta.url));
const LINGER_MS = 300;
const NO_PROGRESS: MeterProgress = {
  sent: 0,
  refused: 0,
  received: 0,
  doubled: 0,
  missing: 0,
  longestGapMs: 0,
  silentMs: 0,
};

/** One end of the stream: its messages, its end, and what it said on standard error. */
class End<Message extends { readonly kind: string }> {
  readonly #child: ChildProcess;
  readonly #name: string;
  #errors = '';
  readonly closed: Promise<void>;

  constructor(name: string, child: ChildProcess, onMessage: (message: Message) => void) {
    this.#child = child;
    this.#name = name;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2000);
    });
    if (child.stdout === null)
      throw new Error(`The meter's ${name} was started without a pipe for its output`);
    createInterface({ input: child.stdout }).on('line', line => onMessage(JSON.parse(line) as Message));
    this.closed = new Promise(resolve => {
      child.once('error', error => {
        this.#errors += error.message;
        resolve();
      });
      child.once('close', () => resolve());
    });
  }

  /** Asks the process to finish; it then writes its result. */
  finish(): void {
    this.#child.stdin?.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  failure(): Error {
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `exit status ${exitCode}` : `signal ${signalCode}`;
    return new Error(`The meter's ${this.#name} ended without a result (${how}): ${this.#errors.trim()}`);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Starts a stream; resolves when the receiver is ready and the sender has been started. */
export async function startMeter(options: MeterOptions): Promise<Meter> {
  const port = String(options.port ?? 7007);
  const run = String(randomInt(1, 2 ** 31));
  let progress = NO_PROGRESS;
  let startedAt: number | null = null;
  let sent: Extract<SenderMessage, { kind: 'result' }> | null = null;
  let received: Extract<ReceiverMessage, { kind: 'result' }> | null = null;
  let ready: (() => void) | null = null;
  const isReady = new Promise<void>(resolve => {
    ready = resolve;
  });
  const tell = (change: Partial<MeterProgress>): void => {
    progress = { ...progress, ...change };
    options.onProgress?.(progress);
  };

  const receiver = new End<ReceiverMessage>(
    'receiver',
    options.to([process.execPath, MAIN, 'recv', port, '0', '--run', run, '--json']),
    message => {
      if (message.kind === 'ready') ready?.();
      else if (message.kind === 'result') received = message;
      else {
        const { received, doubled, missing, longestGapMs, silentMs } = message;
        tell({ received, doubled, missing, longestGapMs, silentMs });
      }
    },
  );
  await Promise.race([isReady, receiver.closed.then(() => Promise.reject(receiver.failure()))]);

  const size = String(options.bytes ?? 64);
  const argv = [
    process.execPath,
    MAIN,
    'send',
    options.address,
    port,
    String(options.rate),
    String(options.seconds),
  ];
  const sender = new End<SenderMessage>(
    'sender',
    options.from([...argv, '--run', run, '--bytes', size, '--json']),
    message => {
      if (message.kind === 'started') startedAt = message.atMs;
      else if (message.kind === 'result') sent = message;
      if (message.kind !== 'started') tell({ sent: message.sent, refused: message.refused });
    },
  );

  const finish = async (): Promise<MeterReport> => {
    try {
      await Promise.race([sender.closed, receiver.closed]);
      if (sent === null && received === null) {
        // Whoever ended first without a result is the one to name.
        await delay(LINGER_MS);
        sender.kill();
        receiver.kill();
        await Promise.all([sender.closed, receiver.closed]);
        throw sent === null ? sender.failure() : receiver.failure();
      }
      await sender.closed;
      await delay(LINGER_MS);
      receiver.finish();
      await receiver.closed;
      if (sent === null) throw sender.failure();
      if (received === null) throw receiver.failure();
      const report = combine(sent, received);
      tell({ received: report.received, missing: report.lost });
      return report;
    } finally {
      sender.kill();
      receiver.kill();
    }
  };
  const done = finish();
  // Who does not wait for the report still must not bring the process down.
  done.catch(() => {});
  return {
    get progress() {
      return progress;
    },
    get startedAt() {
      return startedAt;
    },
    done,
    stop: () => sender.finish(),
  };
}

/** Starts a stream and waits for its report. */
export async function measureLoss(options: MeterOptions): Promise<MeterReport> {
  return (await startMeter(options)).done;
}

function combine(
  sent: Extract<SenderMessage, { kind: 'result' }>,
  received: Extract<ReceiverMessage, { kind: 'result' }>,
): MeterReport {
  const lostRuns = [...received.missingRuns];
  const tail = sent.sent - (received.highest + 1);
  // The receiver lists the end of the stream only when it has heard where the end was.
  if (tail > 0 && received.total === null) lostRuns.push({ first: received.highest + 1, count: tail });
  return {
    sent: sent.sent,
    refused: sent.refused,
    refusedBy: sent.refusedBy,
    received: received.received,
    lost: sent.sent - received.received,
    lostRuns,
    doubled: received.doubled,
    reordered: received.reordered,
    foreign: received.foreign,
    overflowed: received.overflowed,
    longestGapMs: received.longestGapMs,
    longestGapAtMs: received.longestGapAtMs,
    gaps: received.gaps,
    sendingMs: sent.sendingMs,
    senderStallMs: sent.senderStallMs,
  };
}

/** The report in one line. */
export function reportLine(report: MeterReport): string {
  const refused = Object.entries(report.refusedBy).map(([name, count]) => `${count} ${name}`);
  return [
    `sent ${report.sent}`,
    `lost ${report.lost}${report.refused > 0 ? ` (refused: ${refused.join(', ')})` : ''}`,
    `doubled ${report.doubled}`,
    `reordered ${report.reordered}`,
    `longest gap ${report.longestGapMs.toFixed(1)} ms at ${(report.longestGapAtMs / 1000).toFixed(2)} s`,
    ...(report.overflowed > 0 ? [`meter overflowed ${report.overflowed}`] : []),
    ...(report.foreign > 0 ? [`foreign ${report.foreign}`] : []),
  ].join('  ');
}
