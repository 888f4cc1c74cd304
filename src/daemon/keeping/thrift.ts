// What V8 does with memory. A daemon lives for months and works in bursts: between them V8 is to give back what a burst took, some
// 100 MB with 64 bonds, rather than keep it for the next; in a burst that would cost a third of the processor's time.
import { setFlagsFromString } from 'node:v8';

export class Thrift {
  readonly #setFlag: (flag: string) => void;
  /** The start of a daemon is the first. */
  #bursts = 1;

  /** `setFlag`: gives V8 one of its flags. */
  constructor(setFlag: (flag: string) => void = setFlagsFromString) {
    this.#setFlag = setFlag;
  }

  /** The daemon has started. */
  begin(): void {
    this.#end();
  }

  /** Much is to be done from here on, until what this gives is called. */
  burst(): () => void {
    this.#bursts += 1;
    if (this.#bursts === 1) this.#setFlag('--no-optimize-for-size');
    let isOver = false;
    return () => {
      if (!isOver) this.#end();
      isOver = true;
    };
  }

  #end(): void {
    this.#bursts -= 1;
    if (this.#bursts === 0) this.#setFlag('--optimize-for-size');
  }
}
