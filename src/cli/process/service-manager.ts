// What a daemon tells the service manager that started it (sd_notify(3)): that it is ready, what it does, that it lives.
import { monotonicNs, sendUnixDatagram } from '../../linux/index.js';
import { plain } from '../printing/plain.js';
import type { Terminal } from '../printing/terminal.js';

const TRY_AGAIN_MS = 200;
/** So often a message is tried while the manager has no room for it. */
const MOST_TRIES = 50;

/** One that started nobody hears nothing. */
export interface ServiceManager {
  /** In `status`, one line for people. */
  ready(status: string): void;
  status(status: string): void;
  /** Until the next `ready`. */
  reloading(): void;
  stopping(): void;
  /** Tells no more that this process lives. */
  close(): void;
}

/** Passes a message on; false when there is no room now. */
export type Notify = (text: string) => boolean;

/** How messages get to the manager that the environment names; undefined when it names none. */
export function notifier(terminal: Terminal): Notify | undefined {
  const socket = terminal.env['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return undefined;
  let isBroken = false;
  const broken = (why: string): boolean => {
    if (!isBroken)
      terminal.err(`bondwire: warning: The service manager hears nothing of this daemon: ${plain(why)}.\n`);
    isBroken = true;
    return true;
  };
  return text => {
    if (!/^[/@]/.test(socket)) return broken(`NOTIFY_SOCKET=${socket} is neither a path nor @NAME`);
    try {
      return sendUnixDatagram(socket, text);
    } catch (error) {
      return broken(error instanceof Error ? error.message : String(error));
    }
  };
}

/** Half of the time after which the manager takes a process for hung; undefined when it does not watch this one. */
export function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  pids: readonly number[],
): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC']);
  const pid = env['WATCHDOG_PID'] ?? '';
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return undefined;
  return pid === '' || pids.includes(Number(pid)) ? microseconds / 2000 : undefined;
}

function line(text: string): string {
  return `STATUS=${plain(text)}`;
}

/** `everyMs`: how often the manager wants to hear that the event loop turns. */
export function serviceManager(notify: Notify | undefined, everyMs: number | undefined): ServiceManager {
  const tell = (text: string, tries = MOST_TRIES): void => {
    if (notify === undefined || notify(text) || tries === 0) return;
    setTimeout(() => tell(text, tries - 1), TRY_AGAIN_MS).unref();
  };
  const beats =
    notify === undefined || everyMs === undefined
      ? undefined
      : setInterval(() => notify('WATCHDOG=1'), Math.max(1, everyMs)).unref();
  return {
    ready: status => tell(`READY=1\n${line(status)}`),
    status: status => tell(line(status)),
    reloading: () =>
      tell(`RELOADING=1\nMONOTONIC_USEC=${monotonicNs() / 1000n}\n${line('reading its file again')}`),
    stopping: () => tell(`STOPPING=1\n${line('ending; bonds stay')}`),
    close: () => clearInterval(beats),
  };
}
