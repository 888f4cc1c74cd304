// What a supervisor and its daemon tell each other over the channel that the daemon inherits; sockets go with `keep` and `kept`.
import type { KeptSocket } from '../../daemon/index.js';
import { type Passed, receivePassed, sendPassed } from '../../linux/index.js';

/** Names the channel to the daemon: a number of a file descriptor. */
export const CHANNEL_VARIABLE = 'BONDWIRE_SUPERVISED_BY';

export type SupervisionMessage =
  /** Daemon to supervisor: it is loaded; all bonds are at work; it ends in order, and is not to be started again. */
  | { readonly kind: 'waiting' | 'ready' | 'ending' }
  /** A socket to keep open, in place of one of this name. */
  | { readonly kind: 'keep'; readonly name: string; readonly blocks: number }
  /** Daemon to supervisor: to be passed on to the service manager (sd_notify), which hears the supervisor alone. */
  | { readonly kind: 'notify'; readonly text: string }
  /** Both ways: one to close. */
  | { readonly kind: 'drop'; readonly name: string }
  /** Supervisor to daemon: a socket that is kept, while it waits already; that was all, begin. */
  | { readonly kind: 'kept'; readonly name: string; readonly blocks: number }
  | { readonly kind: 'begin' };

/** A message as received, with the socket that came with it. */
export type Heard = SupervisionMessage & { readonly fd?: number };

/** False when nobody has the other end any more, or, when it is not to wait for that, when there is no room. */
export function tell(
  channel: number,
  message: SupervisionMessage,
  { socket, waits = true }: { readonly socket?: KeptSocket; readonly waits?: boolean } = {},
): boolean {
  const passed: Passed = {
    text: JSON.stringify(message),
    ...(socket !== undefined && { fd: socket.fd }),
  };
  return sendPassed(channel, passed, waits);
}

/** Reads what waits, to the last message; 'ended' when the other end is gone. */
export function hearAll(channel: number, heard: (message: Heard) => void): 'ended' | undefined {
  for (;;) {
    const passed = receivePassed(channel);
    if (passed === undefined || passed === 'ended') return passed;
    const message = JSON.parse(passed.text) as SupervisionMessage;
    heard({ ...message, ...(passed.fd !== undefined && { fd: passed.fd }) });
  }
}
