// Ctrl-C and its like for a command that has to clean up: the first asks it to stop, later ones are answered.
import type { Terminal } from '../printing/terminal.js';

export interface StopRequest {
  /** Aborted by the first signal. */
  readonly asked: AbortSignal;
  /** The name of that signal. */
  name(): string;
  /** Kept when it comes. */
  wait(): Promise<void>;
  /** Hands the signals back. */
  release(): void;
}

/** Watches for signals from now on; `again` is told to whoever signals a second time. With `hangUp`, SIGHUP asks for that and no stop. */
export function stopRequest(terminal: Terminal, again: string, hangUp?: () => void): StopRequest {
  const controller = new AbortController();
  const { signal: asked } = controller;
  const release = terminal.onSignal(signal => {
    if (signal === 'SIGHUP' && hangUp !== undefined) hangUp();
    else if (asked.aborted) terminal.err(`bondwire: ${again}\n`);
    else controller.abort(signal);
  });
  return {
    asked,
    name: () => String(asked.reason),
    wait: () =>
      asked.aborted
        ? Promise.resolve()
        : new Promise(resolve => {
            asked.addEventListener('abort', () => resolve(), { once: true });
          }),
    release,
  };
}
