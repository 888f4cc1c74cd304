// The control thread's end of the forwarding worker: one for all bonds of the process. A worker that ends by a failure is
// replaced; sockets and rings are kept open here meanwhile, so frames wait in them.
import { setProcessNice, threadNice } from '../../linux/index.js';
import type { MemberPlace } from './member-port.js';
import type { RingPlace } from './ring-reader.js';
import type { Command, Moved } from './worker-commands.js';
import { WorkerThread } from './worker-thread.js';

/**
 * So long the control thread waits for a worker, which finishes the batches that are under way first, and may only be starting. One
 * that is later is no error: it obeys in order, so what it is to carry is carried then, and what it uses stays until then.
 */
const MOST_MS = { adding: 2000, removing: 5000 } as const;

/** Between a worker that ended before it had obeyed anything, and the next: threads or memory may be short. */
const PAUSE_MS = 1000;

/**
 * So many steps (nice) the worker runs before other programs, as what waits for it waits in rings that hold tens of milliseconds,
 * and the kernel's own forwarding waits for nobody. A daemon runs all its threads so: a worker that is busy would keep those waiting
 * that answer.
 */
const STEPS_BEFORE_OTHERS = 10;

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
  #worker: WorkerThread | undefined;
  /** How often a worker that failed was replaced. */
  restarts = 0;
  #next = 1;
  readonly #usualNice = threadNice();
  #isFavoured = false;

  /** Starts a worker that waits for bonds, and has done before what it will do for them, so that the first need not wait for it. */
  prepare(): void {
    if (this.#worker !== undefined) return;
    const worker = this.#start();
    worker.wait(worker.give({ kind: 'rehearse' }), MOST_MS.removing);
  }

  /** Has the worker look at a ring that a bond will have. */
  lookAhead(address: number, blocks: number): void {
    this.#add({ kind: 'ring', address, blocks });
  }

  /** `giveBack` is called when the worker does not look at that ring any more: at once, as a rule. */
  forgetAhead(address: number, giveBack: () => void): void {
    this.#remove({ kind: 'no ring', address }, giveBack);
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
    else this.#addKnown(bond);
    return bond;
  }

  addMember(bond: number, slot: number, ifindex: number, place: MemberPlace): void {
    this.#bonds.get(bond)?.members.set(slot, { ifindex, place });
    this.#add({ kind: 'member', bond, slot, ifindex, place });
  }

  /** `giveBack` is called when the worker has let go of the member's sockets: before this returns, as a rule. */
  removeMember(bond: number, slot: number, giveBack: () => void): void {
    if (this.#bonds.get(bond)?.members.delete(slot) === true)
      this.#remove({ kind: 'no member', bond, slot }, giveBack);
    else giveBack();
  }

  /** `giveBack` is called when the worker has let go of its ring and its shared words: before this returns, as a rule. */
  removeBond(bond: number, giveBack: () => void): void {
    if (!this.#bonds.delete(bond)) {
      giveBack();
      return;
    }
    this.#remove({ kind: 'no bond', bond }, giveBack);
    if (this.#bonds.size === 0) this.#end();
  }

  /** Tells now what the worker has said. */
  poll(): void {
    this.#worker?.poll(moved => this.#tell(moved));
  }

  /** Ends the worker as a failure of its own would; for tests. */
  interrupt(): void {
    this.#worker?.interrupt();
  }

  #tell(moved: Moved): void {
    this.#bonds.get(moved.bond)?.moved(moved);
  }

  /** Starts a worker and gives it all that there is. */
  #start(): WorkerThread {
    const worker: WorkerThread = new WorkerThread(
      this.#usualNice - STEPS_BEFORE_OTHERS,
      moved => this.#tell(moved),
      () => this.#replace(worker),
    );
    this.#worker = worker;
    for (const bond of this.#bonds.keys()) this.#addKnown(bond);
    return worker;
  }

  /** All of a bond in one command: frames that wait would find no member between two. */
  #addKnown(number: number): void {
    const bond = this.#bonds.get(number);
    if (bond === undefined) return;
    const { state, host } = bond;
    const members = Array.from(bond.members, ([slot, { ifindex, place }]) => ({ slot, ifindex, place }));
    this.#add({ kind: 'bond', bond: number, state, host, members });
  }

  /** A worker failed: another goes on where it was. */
  #replace(failed: WorkerThread): void {
    if (this.#worker !== failed) return;
    this.restarts += 1;
    if (failed.hasObeyed) this.#start();
    else setTimeout(() => void (this.#worker === failed && this.#start()), PAUSE_MS);
  }

  #add(command: Command): void {
    const worker = this.#worker;
    worker?.wait(worker.give(command), MOST_MS.adding);
  }

  #remove(command: Command, giveBack: () => void): void {
    const worker = this.#worker;
    if (worker === undefined) {
      giveBack();
      return;
    }
    const given = worker.give(command);
    worker.wait(given, MOST_MS.removing);
    worker.whenDone(given, giveBack);
  }

  #end(): void {
    this.settle();
    this.#worker?.give({ kind: 'end' });
    this.#worker = undefined;
  }
}

export const forwarder: Forwarder = new Forwarder();
