// A daemon under a supervisor: it waits until it is told to begin, gets the sockets that the daemon before it gave in keeping,
// and gives its own.
import type { DataPlanes, KeptSocket, SocketKeeper, TakenSocket } from '../../daemon/index.js';
import { closeFd, keepFromChildren, watchReadable } from '../../linux/index.js';
import { refusedFailure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import { CHANNEL_VARIABLE, hearAll, tell } from './supervision-messages.js';

export class Supervisee implements SocketKeeper {
  readonly #channel: number;
  readonly #kept = new Map<string, TakenSocket>();
  #planes: Pick<DataPlanes, 'mapAhead' | 'unmapAhead'> | undefined;
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
        `${CHANNEL_VARIABLE}=${plain(value)} names no open channel to a supervisor: it is for '${advice('bondwire daemon --supervise')}' to set, unset it.`,
        error,
      );
    }
  }

  get isThere(): boolean {
    return !this.#isAlone;
  }

  /**
   * Waits for the word to begin; false when the supervisor ended before. `planes` maps the rings that are kept meanwhile; `alone`
   * is called when the supervisor ends later.
   */
  begin(planes: Pick<DataPlanes, 'mapAhead' | 'unmapAhead'>, alone: () => void): Promise<boolean> {
    this.#planes = planes;
    tell(this.#channel, { kind: 'waiting' });
    return new Promise(resolve => {
      const watch = watchReadable(this.#channel, () => {
        let begins = false;
        const end = hearAll(this.#channel, message => {
          if (message.kind === 'begin') begins = true;
          if (message.kind === 'drop') this.#letGo(message.name);
          if (message.kind === 'kept' && message.fd !== undefined)
            this.#kept.set(message.name, this.#mapped(message.fd, message.blocks));
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
    for (const name of this.#kept.keys()) {
      this.#letGo(name);
      this.drop(name);
    }
    if (!this.#isAlone) tell(this.#channel, { kind: 'ready' });
  }

  /** Passes on what the service manager is to hear; false when there is no room now. */
  notify(text: string): boolean {
    return this.#isAlone || tell(this.#channel, { kind: 'notify', text }, { waits: false });
  }

  /** The end of this process from here on is none to be made good. */
  ending(): void {
    if (!this.#isAlone) tell(this.#channel, { kind: 'ending' });
  }

  keep(name: string, socket: KeptSocket): void {
    if (!this.#isAlone) tell(this.#channel, { kind: 'keep', name, blocks: socket.blocks }, { socket });
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  take(name: string): TakenSocket | undefined {
    const socket = this.#kept.get(name);
    this.#kept.delete(name);
    return socket;
  }

  drop(name: string): void {
    if (!this.#isAlone) tell(this.#channel, { kind: 'drop', name });
  }

  #letGo(name: string): void {
    const kept = this.take(name);
    if (kept === undefined) return;
    if (kept.memory !== undefined) this.#planes?.unmapAhead(kept.memory);
    closeFd(kept.fd);
  }

  #mapped(fd: number, blocks: number): TakenSocket {
    const memory = blocks === 0 ? undefined : this.#planes?.mapAhead(fd, blocks);
    return { fd, blocks, ...(memory !== undefined && { memory }) };
  }
}
