// One daemon process of a supervisor: started, told to begin, heard, and seen to its end.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  channelPair,
  closeFd,
  type FdWatch,
  setThreadNice,
  threadNice,
  watchReadable,
} from '../../linux/index.js';
import type { KeptSocket } from '../../daemon/index.js';
import { CHANNEL_VARIABLE, type Heard, hearAll, tell } from './supervision-messages.js';

/** Number of the channel in the daemon, behind its three streams. */
const CHANNEL_THERE = 3;

/** That of this process before it was given another. */
const usualNice = threadNice();

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly problem?: string;
}

export class SupervisedProcess {
  readonly ended: Promise<Ending>;
  /**
   * Kept when the process has ended, or does nothing any more: it has died, and its end of the channel is closed. The kernel takes
   * down the rest of it before it tells of the death.
   */
  readonly gone: Promise<void>;
  #gone: () => void = () => {};
  readonly #process: ChildProcess;
  readonly #channel: number;
  readonly #watch: FdWatch;
  readonly #heard: (message: Heard) => void;
  #hasEnded = false;
  /** It is loaded, and has the sockets that are kept. */
  #isWaiting = false;

  /** In a session of its own: Ctrl-C is for the supervisor, which passes it on once. */
  constructor(
    argv: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    heard: (message: Heard) => void,
  ) {
    const [here, there] = channelPair();
    this.#channel = here;
    this.#heard = heard;
    this.gone = new Promise(resolve => {
      this.#gone = resolve;
    });
    this.#process = withNice(usualNice, () =>
      spawn(process.execPath, argv, {
        stdio: ['ignore', 'inherit', 'inherit', there],
        detached: true,
        env: { ...env, [CHANNEL_VARIABLE]: String(CHANNEL_THERE) },
      }),
    );
    closeFd(there);
    this.#watch = watchReadable(here, () => this.#hear());
    this.ended = new Promise(resolve => {
      const end = (ending: Ending): void => {
        if (this.#hasEnded) return;
        // What it said before it died counts.
        this.#hear();
        this.#hasEnded = true;
        this.#gone();
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

  /** Gives it copies of the sockets that are kept, to have them ready. */
  prepare(kept: ReadonlyMap<string, KeptSocket>): void {
    for (const [name, socket] of kept)
      tell(this.#channel, { kind: 'kept', name, blocks: socket.blocks }, { socket });
    this.#isWaiting = true;
  }

  /** Tells one that waits of a socket more, or (undefined) less; one that does not listen any more is ended. */
  update(name: string, socket: KeptSocket | undefined): void {
    if (!this.#isWaiting || this.#hasEnded) return;
    const hears =
      socket === undefined
        ? tell(this.#channel, { kind: 'drop', name }, { waits: false })
        : tell(this.#channel, { kind: 'kept', name, blocks: socket.blocks }, { socket, waits: false });
    if (!hears) this.kill('SIGKILL');
  }

  begin(kept: ReadonlyMap<string, KeptSocket>): void {
    if (!this.#isWaiting) this.prepare(kept);
    tell(this.#channel, { kind: 'begin' });
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#process.kill(signal);
  }

  #hear(): void {
    if (this.#hasEnded) return;
    if (hearAll(this.#channel, this.#heard) !== 'ended') return;
    this.#watch.close();
    this.#gone();
  }
}

/** Does something at this nice value, for what a child inherits. */
function withNice<T>(nice: number, work: () => T): T {
  const mine = threadNice();
  if (mine === nice) return work();
  setThreadNice(nice);
  try {
    return work();
  } finally {
    setThreadNice(mine);
  }
}
