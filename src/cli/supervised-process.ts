// One daemon process of a supervisor: started, told to begin, heard, and seen to its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { channelPair, closeFd, type FdWatch, watchReadable } from '../linux/index.js';
import type { KeptSocket } from '../daemon/index.js';
import { CHANNEL_VARIABLE, type Heard, hearAll, tell } from './supervision-messages.js';

/** Number of the channel in the daemon, behind its three streams. */
const CHANNEL_THERE = 3;

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly problem?: string;
}

export class SupervisedProcess {
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  readonly #channel: number;
  readonly #watch: FdWatch;
  readonly #heard: (message: Heard) => void;
  #hasEnded = false;

  /** In a session of its own: Ctrl-C is for the supervisor, which passes it on once. */
  constructor(
    argv: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    heard: (message: Heard) => void,
  ) {
    const [here, there] = channelPair();
    this.#channel = here;
    this.#heard = heard;
    this.#process = spawn(process.execPath, argv, {
      stdio: ['ignore', 'inherit', 'inherit', there],
      detached: true,
      env: { ...env, [CHANNEL_VARIABLE]: String(CHANNEL_THERE) },
    });
    closeFd(there);
    this.#watch = watchReadable(here, () => this.#hear());
    this.ended = new Promise(resolve => {
      const end = (ending: Ending): void => {
        if (this.#hasEnded) return;
        // What it said before it died counts.
        this.#hear();
        this.#hasEnded = true;
        this.#watch.close();
        closeFd(here);
        resolve(ending);
      };
      this.#process.once('error', error => end({ code: null, signal: null, problem: error.message }));
      this.#process.once('exit', (code, signal) => end({ code, signal }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  begin(kept: ReadonlyMap<string, KeptSocket>): void {
    for (const [name, socket] of kept)
      tell(this.#channel, { kind: 'kept', name, blocks: socket.blocks }, socket);
    tell(this.#channel, { kind: 'begin' });
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#process.kill(signal);
  }

  #hear(): void {
    if (this.#hasEnded) return;
    // The other end is closed a moment before the process has ended: there is nothing to hear any more.
    if (hearAll(this.#channel, this.#heard) === 'ended') this.#watch.close();
  }
}
