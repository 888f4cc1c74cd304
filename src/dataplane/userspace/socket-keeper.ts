// Who keeps the sockets of user-space bonds open when this process dies: a supervisor, or nobody.

/** A socket with a ring of so many blocks. */
export interface KeptSocket {
  readonly fd: number;
  readonly blocks: number;
}

export interface SocketKeeper {
  /** False when nobody is there who would start another process in place of this one. */
  readonly isThere: boolean;
  /** Gives a copy of a socket in keeping, in place of one of the same name. */
  keep(name: string, socket: KeptSocket): void;
  /** A socket that a process before this one gave in keeping; it is ours to close. Once only. */
  take(name: string): KeptSocket | undefined;
  /** Has the copy closed. */
  drop(name: string): void;
}

/** Sockets end with the process. */
export const NO_KEEPER: SocketKeeper = {
  isThere: false,
  keep: () => {},
  take: () => undefined,
  drop: () => {},
};
