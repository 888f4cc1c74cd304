// What a supervisor and its daemon tell each other over the channel that the daemon inherits; sockets go with `keep` and `kept`.
import type { KeptSocket } from '../daemon/index.js';
import { type Passed, receivePassed, sendPassed } from '../linux/index.js';

/** Names the channel to the daemon: a number of a file descriptor. */
export const CHANNEL_VARIABLE = 'BONDWIRE_SUPERVISED_BY';

export type SupervisionMessage =
  /** Daemon to supervisor: a socket to keep open, in place of one of this name; one to close; all bonds are at work. */
  | { readonly kind: 'keep'; readonly name: string; readonly blocks: number }
  | { readonly kind: 'drop'; readonly name: string }
  | { readonly kind: 'ready' }
  /** Supervisor to daemon: a socket that was kept; that was all, begin. */
  | { readonly kind: 'kept'; readonly name: string; readonly blocks: number }
  | { readonly kind: 'begin' };

/** A message as received, with the socket that came with it. */
export type Heard = SupervisionMessage & { readonly fd?: number };

/** False when nobody has the other end any more. */
export function tell(channel: number, message: SupervisionMessage, socket?: KeptSocket): boolean {
  const passed: Passed = {
    text: JSON.stringify(message),
    ...(socket !== undefined && { fd: socket.fd }),
  };
  return sendPassed(channel, passed);
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
