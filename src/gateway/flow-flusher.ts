// Ends the flows of a line in the connection tracking table, in a thread of its own, so that the event loop goes on.
import { Worker } from 'node:worker_threads';
import { closeFd, type FlowTransport, type KeptFlows, openOwnNetns } from '../linux/index.js';
import { AF_INET, AF_INET6, type FlowFilter } from '../netlink/index.js';
import { type Family, type LineNumber, markOf, type Transport } from '../uplinks/index.js';
import type { FlushCommand, Flushed, FlushStart } from './flush-commands.js';

/** A thread runs JavaScript: where this is run from its source, the built one is taken. */
const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/gateway/flush-worker-main.js' : './flush-worker-main.js',
  import.meta.url,
);

/** Again after these times: a packet that was routed before the flush may confirm its flow after it. */
const AGAIN_MS = [100, 400, 700] as const;

/** What is told besides the answers. */
export interface FlusherNews {
  /** A flush could not be done, in a sentence. */
  failed(sentence: string): void;
}

/** Of the network namespace that the thread is in when it is made. */
export class FlowFlusher {
  readonly #netns: number = openOwnNetns();
  readonly #mask: number;
  readonly #news: FlusherNews;
  readonly #waiting = new Map<number, (ended: number | null) => void>();
  readonly #timers = new Map<string, Set<NodeJS.Timeout>>();
  #worker: Worker | undefined;
  #count = 0;
  #isClosed = false;

  /** `mask` are the bits of marks that are the uplink's. */
  constructor(mask: number, news: FlusherNews) {
    this.#mask = mask;
    this.#news = news;
  }

  /** Starts the thread, which takes some 50 ms, before it is needed. */
  start(): void {
    this.#thread();
  }

  /**
   * Ends the flows that belong to the line; gives how many, or null when it could not be done. It is done again a few times within the
   * next second, unless the line is spared meanwhile.
   */
  flush(
    line: LineNumber,
    family: Family,
    transport: Transport | 'all',
    keep: readonly KeptFlows[] = [],
  ): Promise<number | null> {
    const filter: FlowFilter = {
      family: family === 'ipv4' ? AF_INET : AF_INET6,
      mark: markOf(line, this.#mask),
      mask: this.#mask,
    };
    const timers = this.#timersOf(line, family);
    for (const ms of AGAIN_MS) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        void this.#ask(filter, transport, keep);
      }, ms).unref();
      timers.add(timer);
    }
    return this.#ask(filter, transport, keep);
  }

  /** New flows of the line are wanted again: what is waiting to be flushed once more is not. */
  spare(line: LineNumber, family: Family): void {
    const timers = this.#timersOf(line, family);
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  }

  /** Ends the thread; what was asked and not answered is answered with null. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timers of this.#timers.values()) for (const timer of timers) clearTimeout(timer);
    await this.#worker?.terminate();
    this.#giveUp();
    closeFd(this.#netns);
  }

  #timersOf(line: LineNumber, family: Family): Set<NodeJS.Timeout> {
    const name = `${line} ${family}`;
    const timers = this.#timers.get(name) ?? new Set();
    this.#timers.set(name, timers);
    return timers;
  }

  #ask(filter: FlowFilter, transport: FlowTransport, keep: readonly KeptFlows[]): Promise<number | null> {
    if (this.#isClosed) return Promise.resolve(null);
    this.#count++;
    const command: FlushCommand = { number: this.#count, filter, transport, keep };
    return new Promise(resolve => {
      this.#waiting.set(command.number, resolve);
      const port = this.#thread();
      port.postMessage(command);
    });
  }

  /** Another one where the last has ended, for whatever reason. */
  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const start: FlushStart = { netns: this.#netns };
    const worker = new Worker(MAIN, { workerData: start });
    worker.on('message', message => this.#told(message as Flushed));
    worker.once('error', error => this.#news.failed(`Flows could not be ended: ${error.message}`));
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#giveUp();
    });
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #told({ number, ended, reason }: Flushed): void {
    if (reason !== undefined) this.#news.failed(`Flows could not be ended: ${reason}`);
    const resolve = this.#waiting.get(number);
    this.#waiting.delete(number);
    resolve?.(ended);
  }

  #giveUp(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}
