// Which bonds are to be written down. What is done already waits until the end of the turn, so that a turn with many changes writes
// once; what must be written before something is done does not wait, and takes with it what waits.

export class DueSaves {
  readonly #save: () => void;
  readonly #due = new Set<object>();

  /** `save` writes down what `take` gives. */
  constructor(save: () => void) {
    this.#save = save;
  }

  /** Before the event loop goes on, and before whoever asked for the change is answered: both come after a microtask. */
  soon(bond: object): void {
    if (this.#due.size === 0) queueMicrotask(() => this.#due.size > 0 && this.#save());
    this.#due.add(bond);
  }

  /** The bonds to be written now: those that waited, and this one. */
  take(bond?: object): ReadonlySet<object> {
    const taken = new Set(this.#due);
    this.#due.clear();
    return bond === undefined ? taken : taken.add(bond);
  }
}
