// The control thread's end of the forwarding worker: one for all bonds of the process. A worker that ends by a failure is
// replaced; sockets and rings are kept open here meanwhile, so frames wait in them.
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { setProcessNice, threadNice, WakeUp } from '../../linux/index.js';
import type { MemberPlace } from './member-port.js';
import type { RingPlace } from './ring-reader.js';
import type { Command, Moved, WorkerStart } from './worker-commands.js';

/** So long a command may take: batches that are under way are finished first, and a worker may only be starting. */
const MOST_MS = 5000;

/**
 * So many steps (nice) the worker runs before other programs, as what waits for it waits in rings that hold tens of milliseconds,
 * and the kernel's own forwarding waits for nobody. A daemon runs all its threads so: a worker that is busy would keep those waiting
 * that answer.
 */
const STEPS_BEFORE_OTHERS = 10;

/** A thread runs JavaScript: where this is run from its source, the built one is taken. */
const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/dataplane/userspace/worker-main.js' : './worker-main.js',
  import.meta.url,
);

interface Member {
  readonly ifindex: number;
  readonly place: MemberPlace;
}

/** What is to be forwarded, for a worker that starts anew. */
interface Bond {
  readonly state: number;
  readonly host: RingPlace;
  readonly members: Map<number, Member>;
  readonly moved: (moved: Moved) => void;
}

class Forwarder {
  readonly #bonds = new Map<number, Bond>();
  readonly #done = new Int32Array(new SharedArrayBuffer(4));
  #wakeUp: WakeUp | undefined;
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #given = 0;
  /** How often a worker that failed was replaced. */
  restarts = 0;
  #next = 1;
  readonly #usualNice = threadNice();
  #isFavoured = false;

  /** Starts a worker that waits for bonds, and has done before what it will do for them, so that the first need not wait for it. */
  prepare(): void {
    if (this.#worker !== undefined) return;
    this.#start();
    this.#command({ kind: 'rehearse' });
  }

  /** Has the worker look at a ring that a bond will have. */
  lookAhead(address: number, blocks: number): void {
    if (this.#worker !== undefined) this.#command({ kind: 'ring', address, blocks });
  }

  forgetAhead(address: number): void {
    if (this.#worker !== undefined) this.#command({ kind: 'no ring', address });
  }

  /** Has the whole process run before others as the worker does. */
  favourProcess(): void {
    if (this.#isFavoured) return;
    this.#isFavoured = true;
    setProcessNice(this.#usualNice - STEPS_BEFORE_OTHERS);
  }

  /** As usual again, when no bond is there. */
  settle(): void {
    if (this.#bonds.size > 0 || !this.#isFavoured) return;
    this.#isFavoured = false;
    setProcessNice(this.#usualNice);
  }

  /** Takes a bond in, with the members that it has already; gives its number. */
  addBond(
    state: number,
    host: RingPlace,
    members: ReadonlyMap<number, Member>,
    moved: (moved: Moved) => void,
  ): number {
    const bond = this.#next++;
    this.#bonds.set(bond, { state, host, members: new Map(members), moved });
    if (this.#worker === undefined) this.#start();
    else this.#give(bond);
    return bond;
  }

  addMember(bond: number, slot: number, ifindex: number, place: MemberPlace): void {
    this.#bonds.get(bond)?.members.set(slot, { ifindex, place });
    this.#command({ kind: 'member', bond, slot, ifindex, place });
  }

  /** When it returns, the worker has let go of the member's sockets. */
  removeMember(bond: number, slot: number): void {
    if (this.#bonds.get(bond)?.members.delete(slot) === true)
      this.#command({ kind: 'no member', bond, slot });
  }

  removeBond(bond: number): void {
    if (!this.#bonds.delete(bond)) return;
    this.#command({ kind: 'no bond', bond });
    if (this.#bonds.size === 0) this.#end();
  }

  /** Tells now what the worker has said. */
  poll(): void {
    for (;;) {
      const received = this.#port === undefined ? undefined : receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#tell(received.message as Moved);
    }
  }

  /** Ends the worker as a failure of its own would; for tests. */
  interrupt(): void {
    void this.#worker?.terminate();
    this.#wakeUp?.set();
  }

  #tell(moved: Moved): void {
    this.#bonds.get(moved.bond)?.moved(moved);
  }

  /** Starts a worker and gives it all that there is. */
  #start(): void {
    this.#wakeUp ??= new WakeUp();
    const { port1, port2 } = new MessageChannel();
    const start: WorkerStart = {
      wakeUp: this.#wakeUp.fd,
      done: this.#done.buffer,
      port: port2,
      nice: this.#usualNice - STEPS_BEFORE_OTHERS,
    };
    const worker = new Worker(MAIN, { workerData: start, transferList: [port2] });
    this.#worker = worker;
    this.#port = port1;
    this.#given = Atomics.load(this.#done, 0);
    worker.unref();
    port1.on('message', moved => this.#tell(moved as Moved));
    port1.unref();
    worker.once('error', () => {});
    worker.once('exit', () => this.#replace(worker));
    process.once('exit', this.#atExit);
    for (const bond of this.#bonds.keys()) this.#give(bond);
  }

  /** All of a bond in one command: frames that wait would find no member between two. */
  #give(number: number): void {
    const bond = this.#bonds.get(number);
    if (bond === undefined) return;
    const { state, host } = bond;
    const members = Array.from(bond.members, ([slot, { ifindex, place }]) => ({ slot, ifindex, place }));
    this.#command({ kind: 'bond', bond: number, state, host, members });
  }

  /** A worker failed: another goes on where it was. */
  #replace(failed: Worker): void {
    if (this.#worker !== failed) return;
    this.#port?.close();
    this.restarts += 1;
    this.#start();
  }

  /** Gives a command and waits until it was carried out. */
  #command(command: Command): void {
    this.#port?.postMessage(command);
    this.#given = (this.#given + 1) | 0;
    this.#wakeUp?.set();
    const deadline = performance.now() + MOST_MS;
    for (let now = Atomics.load(this.#done, 0); now !== this.#given; now = Atomics.load(this.#done, 0)) {
      if (performance.now() > deadline) throw new Error('The forwarding worker does not answer.');
      Atomics.wait(this.#done, 0, now, 100);
    }
  }

  /** A thread that waits in poll(2) would keep the process from ending. */
  readonly #atExit = (): void => {
    this.#port?.postMessage({ kind: 'end' } satisfies Command);
    this.#wakeUp?.set();
  };

  #end(): void {
    this.settle();
    process.removeListener('exit', this.#atExit);
    this.#command({ kind: 'end' });
    this.#port?.close();
    this.#wakeUp?.close();
    this.#worker = undefined;
    this.#port = undefined;
    this.#wakeUp = undefined;
  }
}

export const forwarder: Forwarder = new Forwarder();
