// One life of the forwarding worker, as the control thread sees it: commands go in, and are waited for, but never for ever. What a
// worker may still touch is not given back before it has said that it is through with it, or has ended.
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { WakeUp } from '../../linux/index.js';
import { quietly } from '../quietly.js';
import type { Command, Moved, WorkerStart } from './worker-commands.js';

/** A thread runs JavaScript: where this is run from its source, the built one is taken. */
const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/dataplane/userspace/worker-main.js' : './worker-main.js',
  import.meta.url,
);

/** So often it is looked whether a late worker has caught up. */
const LOOK_MS = 200;

/** Memory or descriptors that the worker uses until it has obeyed a command. */
interface Lent {
  readonly command: number;
  readonly giveBack: () => void;
}

export class WorkerThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #wakeUp = new WakeUp();
  /** How many commands it has obeyed; a word of its own for each worker, as the one before may be ending still. */
  readonly #obeyed = new Int32Array(new SharedArrayBuffer(4));
  readonly #ended: (worker: WorkerThread) => void;
  #given = 0;
  #lent: readonly Lent[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** A command that was waited for in vain: nothing is waited for before that was obeyed. */
  #late: number | undefined;
  #hasEnded = false;

  /** `moved` is called with what it tells, `ended` when the thread is gone, for whatever reason; `main` is another in tests. */
  constructor(
    nice: number,
    moved: (moved: Moved) => void,
    ended: (worker: WorkerThread) => void,
    main: URL = MAIN,
  ) {
    this.#ended = ended;
    const { port1, port2 } = new MessageChannel();
    const start: WorkerStart = { wakeUp: this.#wakeUp.fd, done: this.#obeyed.buffer, port: port2, nice };
    this.#worker = new Worker(main, { workerData: start, transferList: [port2] });
    this.#port = port1;
    this.#worker.unref();
    port1.on('message', message => moved(message as Moved));
    port1.unref();
    this.#worker.once('error', () => {});
    this.#worker.once('exit', () => this.#end());
    process.once('exit', this.#atExit);
  }

  /** True when it has obeyed a command: it has started well. */
  get hasObeyed(): boolean {
    return Atomics.load(this.#obeyed, 0) !== 0;
  }

  /** Gives a command; the answer is its number. They are obeyed in order, and before frames that come later are looked at. */
  give(command: Command): number {
    if (!this.#hasEnded) {
      const port = this.#port;
      port.postMessage(command);
      this.#wakeUp.set();
    }
    this.#given = (this.#given + 1) | 0;
    return this.#given;
  }

  /** Waits until a command was obeyed; false when that took longer, or an earlier one is late already. */
  wait(command: number, mostMs: number): boolean {
    if (this.#late !== undefined && !this.#isDone(this.#late)) return this.#isDone(command);
    this.#late = undefined;
    const deadline = performance.now() + mostMs;
    while (!this.#isDone(command)) {
      if (performance.now() > deadline) {
        this.#late = command;
        return false;
      }
      Atomics.wait(this.#obeyed, 0, Atomics.load(this.#obeyed, 0), 100);
    }
    return true;
  }

  /** Calls back once the worker has obeyed the command, or has ended: now, if that is so. */
  whenDone(command: number, giveBack: () => void): void {
    if (this.#isDone(command)) {
      giveBack();
      return;
    }
    this.#lent = [...this.#lent, { command, giveBack }];
    this.#timer ??= setInterval(() => this.#lookAgain(), LOOK_MS).unref();
  }

  /** Tells now what the worker has said. */
  poll(tell: (moved: Moved) => void): void {
    while (!this.#hasEnded) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      tell(received.message as Moved);
    }
  }

  /** Ends it as a failure of its own would. */
  interrupt(): void {
    void this.#worker.terminate();
    this.#wakeUp.set();
  }

  #isDone(command: number): boolean {
    return this.#hasEnded || ((Atomics.load(this.#obeyed, 0) - command) | 0) >= 0;
  }

  #lookAgain(): void {
    const done = this.#lent.filter(({ command }) => this.#isDone(command));
    this.#lent = this.#lent.filter(lent => !done.includes(lent));
    if (this.#lent.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const { giveBack } of done) quietly(giveBack);
  }

  #end(): void {
    this.#hasEnded = true;
    process.removeListener('exit', this.#atExit);
    this.#port.close();
    // Not before: it waited for this descriptor.
    this.#wakeUp.close();
    this.#lookAgain();
    this.#ended(this);
  }

  /** A thread that waits in poll(2) would keep the process from ending. */
  readonly #atExit = (): void => {
    this.give({ kind: 'end' });
  };
}
