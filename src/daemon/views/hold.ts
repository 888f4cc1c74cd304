// Something that is done after each change, and waits while many changes follow one another.

export class Hold {
  readonly #action: () => void;
  #held = 0;

  constructor(action: () => void) {
    this.#action = action;
  }

  /** It waits from here until what this gives is called, and is done then, after all of `first`. */
  hold(...first: (() => void)[]): () => void {
    this.#held += 1;
    return () => {
      for (const end of first) end();
      this.#held -= 1;
      this.touch();
    };
  }

  /** There was a change. */
  touch(): void {
    if (this.#held === 0) this.#action();
  }
}
