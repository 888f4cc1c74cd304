// Descriptors of links, open as long as a daemon looks after its bond: whoever takes pins away (`rm -rf` of a run directory goes
// into the bpffs below it) takes no program off by that.
import { closeFd } from '../../linux/index.js';
import { quietly } from '../quietly.js';
import { type Attachment, type Hooks, linkOf } from './attachment.js';

/** The links of one bond. */
export class HeldLinks {
  readonly #hooks: () => Hooks;
  /** By pin. */
  readonly #fds = new Map<string, number>();

  constructor(hooks: () => Hooks) {
    this.#hooks = hooks;
  }

  /** One that cannot be held is held by its pin alone. */
  hold(attachment: Attachment): void {
    this.letGo(attachment);
    if (attachment.kind === 'clsact') return;
    quietly(() => {
      const fd = linkOf(this.#hooks(), attachment);
      if (fd !== undefined) this.#fds.set(attachment.pin, fd);
    });
  }

  letGo({ pin }: Attachment): void {
    const fd = this.#fds.get(pin);
    if (fd === undefined) return;
    this.#fds.delete(pin);
    closeFd(fd);
  }

  close(): void {
    for (const fd of this.#fds.values()) closeFd(fd);
    this.#fds.clear();
  }
}
