// Has the state file written, and never throws: what cannot be written is told once, and tried again until it is.
import type { Logger } from 'pino';
import type { BondEvent } from '../../policy/index.js';

const RETRY_MS = 5000;

interface Keeping {
  /** Writes all bonds, or only what changed of those that are named; throws when it cannot. */
  readonly write: (changed?: ReadonlySet<object>) => void;
  readonly tell: (event: BondEvent) => void;
  readonly log: Pick<Logger, 'error'>;
}

/** Writes the state file for a daemon. */
export class StateKeeper {
  readonly #keeping: Keeping;
  #retry: NodeJS.Timeout | undefined;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** True while what is known cannot be written down. */
  get isFailing(): boolean {
    return this.#retry !== undefined;
  }

  /** Gives why it could not be written: for those who do nothing that is not written down. */
  save(changed?: ReadonlySet<object>): Error | undefined {
    try {
      this.#keeping.write(changed);
    } catch (error) {
      const why = error instanceof Error ? error : new Error(String(error));
      this.#failed(why);
      return why;
    }
    if (this.#retry === undefined) return undefined;
    this.close();
    const message = 'What is known of the bonds is written down again';
    this.#keeping.tell({ severity: 'info', type: 'daemon', message });
    return undefined;
  }

  /** Tries no more. */
  close(): void {
    clearInterval(this.#retry);
    this.#retry = undefined;
  }

  #failed(error: Error): void {
    this.#keeping.log.error({ err: error }, 'the state file cannot be written');
    if (this.#retry !== undefined) return;
    this.#retry = setInterval(() => this.save(), RETRY_MS);
    this.#retry.unref();
    const message = `What is known of the bonds cannot be written down (${error.message}): until it can, a daemon that starts takes the bonds for what they were before`;
    this.#keeping.tell({ severity: 'error', type: 'daemon', message });
  }
}
