// One thing after another, in the order in which they were asked for.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `action` when all that were given before it have ended, whichever way. */
  take<T>(action: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(action, action);
    // Whoever waits for it hears of its failure; the next one does not.
    this.#last = turn.catch(() => {});
    return turn;
  }
}
