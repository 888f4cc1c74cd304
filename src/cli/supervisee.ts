// A daemon under a supervisor: it waits until it is told to begin, gets the sockets that the daemon before it gave in keeping,
// and gives its own.
import type { KeptSocket, SocketKeeper } from '../daemon/index.js';
import { closeFd, keepFromChildren, watchReadable } from '../linux/index.js';
import { refusedFailure } from './failure.js';
import { plain } from './plain.js';
import { CHANNEL_VARIABLE, hearAll, tell } from './supervision-messages.js';

export class Supervisee implements SocketKeeper {
  readonly #channel: number;
  readonly #kept = new Map<string, KeptSocket>();
  #isAlone = false;

  private constructor(channel: number) {
    this.#channel = channel;
  }

  /** The channel that the environment names; it is nobody else's. */
  static fromEnvironment(value: string): Supervisee {
    const channel = /^\d{1,6}$/.test(value) ? Number(value) : -1;
    try {
      keepFromChildren(channel);
      return new Supervisee(channel);
    } catch (error) {
      throw refusedFailure(
        `${CHANNEL_VARIABLE}=${plain(value)} names no open channel to a supervisor: it is for 'bondwire daemon --supervise' to set, unset it.`,
        error,
      );
    }
  }

  get isThere(): boolean {
    return !this.#isAlone;
  }

  /** Waits for the word to begin; false when the supervisor ended before. `alone` is called when it ends later. */
  begin(alone: () => void): Promise<boolean> {
    return new Promise(resolve => {
      const watch = watchReadable(this.#channel, () => {
        let begins = false;
        const end = hearAll(this.#channel, message => {
          if (message.kind === 'begin') begins = true;
          if (message.kind === 'kept' && message.fd !== undefined)
            this.#kept.set(message.name, { fd: message.fd, blocks: message.blocks });
        });
        if (begins) resolve(true);
        if (end === undefined) return;
        this.#isAlone = true;
        watch.close();
        closeFd(this.#channel);
        resolve(false);
        alone();
      });
    });
  }

  /** Bonds are at work: what nobody took belonged to one that is gone. */
  ready(): void {
    for (const [name, { fd }] of this.#kept) {
      closeFd(fd);
      this.drop(name);
    }
    this.#kept.clear();
    if (!this.#isAlone) tell(this.#channel, { kind: 'ready' });
  }

  keep(name: string, socket: KeptSocket): void {
    if (!this.#isAlone) tell(this.#channel, { kind: 'keep', name, blocks: socket.blocks }, socket);
  }

  take(name: string): KeptSocket | undefined {
    const socket = this.#kept.get(name);
    this.#kept.delete(name);
    return socket;
  }

  drop(name: string): void {
    if (!this.#isAlone) tell(this.#channel, { kind: 'drop', name });
  }
}
