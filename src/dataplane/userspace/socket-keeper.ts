// Who keeps the sockets of user-space bonds open when this process dies: a supervisor, or nobody.
import type { MappedMemory } from '../../linux/index.js';

/** A packet socket with a ring of so many blocks; 0: it has none. */
export interface KeptSocket {
  readonly fd: number;
  readonly blocks: number;
}

/** One as it is taken over. */
export interface TakenSocket extends KeptSocket {
  /** Its ring, where that was mapped ahead. */
  readonly memory?: MappedMemory;
}

export interface SocketKeeper {
  /** False when nobody is there who would start another process in place of this one. */
  readonly isThere: boolean;
  /** Gives a copy of a socket in keeping, in place of one of the same name. */
  keep(name: string, socket: KeptSocket): void;
  /** True when a process before this one gave a socket of this name in keeping, which nobody has taken. */
  has(name: string): boolean;
  /** That socket; it is ours to close, and to unmap. Once only. */
  take(name: string): TakenSocket | undefined;
  /** Has the copy closed. */
  drop(name: string): void;
}

/** Sockets end with the process. */
export const NO_KEEPER: SocketKeeper = {
  isThere: false,
  keep: () => {},
  has: () => false,
  take: () => undefined,
  drop: () => {},
};
