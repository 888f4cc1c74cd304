// Any file descriptor on Node's event loop, by koffi's poll; its traps are handled here and nowhere else.
import type { node } from 'koffi';
import { koffi } from './ffi.js';

/** A running watch. */
export interface FdWatch {
  /** Stops the watch; call it before the file descriptor is closed. A second call does nothing. */
  readonly close: () => void;
}

/** Open handles: koffi stops telling events when its handle is garbage collected. */
const open = new Set<node.PollHandle>();

/**
 * Calls `callback` whenever `fd` has something to read (or an error to fetch), as long as that is so; the callback
 * reads until nothing is left. What it throws is thrown again from the event loop, as in any other callback.
 * The watch keeps the process alive unless `keepAlive` is false.
 */
export function watchReadable(fd: number, callback: () => void, keepAlive = true): FdWatch {
  let closed = false;
  const listener = (status: number): void => {
    if (closed) return;
    try {
      callback();
    } catch (error) {
      // koffi loses what its callback throws.
      setImmediate(() => {
        throw error;
      });
    }
    // libuv stops watching when the descriptor has an error to fetch (news overrun, interface down, ICMP). The
    // callback has fetched it.
    if (status < 0 && !closed) start();
  };
  // koffi's types say (events) only; what it calls with is (status, events).
  const start = (): void => handle.start({ readable: true }, listener as unknown as () => void);
  const handle = koffi().node.poll(fd, { readable: true }, listener as unknown as () => void);
  open.add(handle);
  if (!keepAlive) handle.unref();
  return {
    close: () => {
      if (closed) return;
      closed = true;
      open.delete(handle);
      handle.close();
    },
  };
}

/**
 * Calls `callback` once, when `fd` can be written to or has an error: a connection is made, or cannot be. The watch is over by then, and
 * the descriptor free for another owner. It does not keep the process alive.
 */
export function onceWritable(fd: number, callback: () => void): FdWatch {
  const handle = koffi().node.poll(fd, { writable: true }, (() => {
    watch.close();
    setImmediate(callback);
  }) as () => void);
  handle.unref();
  open.add(handle);
  let closed = false;
  const watch: FdWatch = {
    close: () => {
      if (closed) return;
      closed = true;
      open.delete(handle);
      handle.close();
    },
  };
  return watch;
}
