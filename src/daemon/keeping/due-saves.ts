// Which bonds are to be written down. What is done already waits until the end of the turn, so that a turn with many changes writes
// once; what must be written before something is done does not wait, and takes with it what waits.

/** While many changes follow one another, what is done already waits no longer than this. */
const LONGEST_WAIT_MS = 100;

export class DueSaves {
  readonly #save: () => void;
  readonly #due = new Set<object>();
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `save` writes down what `take` gives. */
  constructor(save: () => void) {
    this.#save = save;
  }

  /** Before the event loop goes on, and before whoever asked for the change is answered: both come after a microtask. */
  soon(bond: object): void {
    if (this.#held > 0) this.#timer ??= setTimeout(() => this.#flush(), LONGEST_WAIT_MS);
    else if (this.#due.size === 0) queueMicrotask(() => this.#flush());
    this.#due.add(bond);
  }

  /** Many changes follow, each of which notes what it is about to do: until what this gives is called, they may wait for several turns. */
  hold(): () => void {
    this.#held += 1;
    return () => {
      this.#held -= 1;
      if (this.#held === 0) this.#flush();
    };
  }

  /** The bonds to be written now: those that waited, and this one. */
  take(bond?: object): ReadonlySet<object> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const taken = new Set(this.#due);
    this.#due.clear();
    return bond === undefined ? taken : taken.add(bond);
  }

  #flush(): void {
    if (this.#due.size > 0) this.#save();
  }
}
