// Virtual time and what is due in it: a binary heap, first in first out among equals. (simulator)

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

function earlier(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** The clock of a simulated network, in milliseconds; it moves only when something is due. */
export class Clock {
  now: number;
  /** Things that were run. */
  steps: number = 0;
  readonly #heap: Due[] = [];
  #order = 0;

  constructor(start: number) {
    this.now = start;
  }

  /** Runs something at a time; at once when that has passed, but after what is running. */
  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const due: Due = { at: Math.max(time, this.now), order: this.#order++, run };
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Due;
      if (!earlier(due, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = due;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.now + delayMs, run);
  }

  /** Runs all that is due up to and including `until`; `between` after each. */
  run(until: number, between: () => void): void {
    for (let due = this.#heap[0]; due !== undefined && due.at <= until; due = this.#heap[0]) {
      this.#removeFirst();
      this.now = due.at;
      this.steps++;
      due.run();
      between();
    }
    this.now = until;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && earlier(heap[right] as Due, heap[left] as Due) ? right : left;
      if (!earlier(heap[child] as Due, last)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
  }
}
