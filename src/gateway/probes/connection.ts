// A TCP connection by a line. Node cannot tie a socket to an interface, so the connection is made here and given to it when it stands.
import { Socket } from 'node:net';
import {
  closeFd,
  connectTcpBy,
  type InetEndpoint,
  onceWritable,
  takeSocketError,
} from '../../linux/index.js';

/** A connection that is being made. */
export interface Connecting {
  /** Gives it up; what came of it is not told. */
  cancel(): void;
}

/**
 * Begins to connect; calls back once, with a socket that is connected and whose owner the caller is, or with the name of an errno.
 * Throws SystemError where not even a beginning can be made.
 */
export function connectBy(
  device: string,
  remote: InetEndpoint,
  done: (outcome: { readonly socket: Socket } | { readonly errno: number }) => void,
): Connecting {
  const fd = connectTcpBy(device, remote);
  let isOver = false;
  const watch = onceWritable(fd, () => {
    if (isOver) return;
    isOver = true;
    const errno = takeSocketError(fd);
    if (errno === 0) return done({ socket: new Socket({ fd, readable: true, writable: true }) });
    closeFd(fd);
    done({ errno });
  });
  return {
    cancel: () => {
      if (isOver) return;
      isOver = true;
      watch.close();
      closeFd(fd);
    },
  };
}
