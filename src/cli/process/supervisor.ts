// `bondwire daemon --supervise`: keeps the sockets of user-space bonds open and starts the daemon again at once when it dies. The
// next daemon is there already, loaded, and waits for the word to begin.
import type { KeptSocket } from '../../daemon/index.js';
import { closeFd, setProcessNice, threadNice } from '../../linux/index.js';
import { EXIT } from '../../daemon/api/api.js';
import { RELOAD_VARIABLE } from '../files/config-file.js';
import { refusedFailure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import { type Ending, SupervisedProcess } from './supervised-process.js';
import { notifier, type Notify } from './service-manager.js';
import type { Heard } from './supervision-messages.js';
import type { Terminal } from '../printing/terminal.js';

/** A daemon that lived for less died at once. */
const SHORT_LIFE_MS = 10_000;
/** So many steps (nice) before others it runs: it has next to nothing to do, and a daemon that died is not to wait for that. */
const STEPS_BEFORE_OTHERS = 10;
/** So often in a row it may die at once. */
const MOST_SHORT_LIVES = 5;
/** The first start after a death is at once; each further one after a short life waits twice as long as the one before. */
const FIRST_WAIT_MS = 200;

export interface Supervision {
  readonly runDir: string;
  /** Script of the command, and what Node itself was told. */
  readonly script: readonly string[];
  /** Of `--config`: for a daemon that has not yet made all its bonds. */
  readonly config: string | undefined;
}

/** Runs daemons until one ends in order; returns its exit code. */
export async function supervise(terminal: Terminal, supervision: Supervision): Promise<number> {
  const supervisor = new Supervisor(terminal, supervision);
  terminal.outliveReader();
  setProcessNice(threadNice() - STEPS_BEFORE_OTHERS);
  const release = terminal.onSignal(signal => supervisor.stop(signal as NodeJS.Signals));
  try {
    return await supervisor.run();
  } finally {
    release();
    supervisor.close();
  }
}

class Supervisor {
  readonly #terminal: Terminal;
  readonly #supervision: Supervision;
  readonly #kept = new Map<string, KeptSocket>();
  #current: SupervisedProcess | undefined;
  /** Loaded, and waits. */
  #spare: SupervisedProcess | undefined;
  #wasReady = false;
  /** It has said that it ends in order. */
  #ending: SupervisedProcess | undefined;
  #stopping: NodeJS.Signals | undefined;
  #wake: () => void = () => {};
  readonly #notify: Notify | undefined;

  constructor(terminal: Terminal, supervision: Supervision) {
    this.#terminal = terminal;
    this.#notify = notifier(terminal);
    this.#supervision = supervision;
  }

  async run(): Promise<number> {
    let shortLives = 0;
    let before: SupervisedProcess | undefined;
    for (;;) {
      const daemon = this.#spare ?? this.#start();
      this.#spare = undefined;
      this.#current = daemon;
      const startedMs = performance.now();
      daemon.begin(this.#kept);
      if (before !== undefined)
        this.#say(`daemon (pid ${daemon.pid}) started in place of the one that died (pid ${before.pid})`);
      before = daemon;
      await daemon.gone;
      const code = this.#hasDied(daemon) ? undefined : this.#exitCode(await daemon.ended);
      if (code !== undefined) return code;
      const livedMs = performance.now() - startedMs;
      shortLives = livedMs < SHORT_LIFE_MS ? shortLives + 1 : 0;
      if (shortLives > MOST_SHORT_LIVES) throw this.#givenUp(await daemon.ended);
      void daemon.ended.then(ending => this.#say(`daemon (pid ${daemon.pid}) died: ${howOf(ending)}`));
      if (shortLives > 1) await this.#pause(FIRST_WAIT_MS * 2 ** (shortLives - 2));
      if (this.#isStopping()) return EXIT.done;
    }
  }

  /** True for one that is gone without a word, as soon as that is known; how it ended is told later. */
  #hasDied(daemon: SupervisedProcess): boolean {
    return this.#wasReady && this.#stopping === undefined && this.#ending !== daemon && daemon.pid !== 0;
  }

  /** With which the supervisor ends too; undefined when another daemon is to be started. */
  #exitCode(ending: Ending): number | undefined {
    if (this.#stopping !== undefined) return this.#stopped(ending);
    if (ending.problem !== undefined)
      throw refusedFailure(`The daemon could not be started: ${ending.problem}.`);
    // In order, or refused: it has said why.
    if (ending.code === EXIT.done) return EXIT.done;
    if (this.#wasReady) return undefined;
    if (ending.code !== null) return ending.code;
    throw refusedFailure(
      `The daemon died by ${ending.signal} before it was ready; nothing was there to start again.`,
    );
  }

  /** Passes a signal on; SIGHUP asks for no end. */
  stop(signal: NodeJS.Signals): void {
    if (signal === 'SIGHUP') {
      this.#current?.kill(signal);
      return;
    }
    this.#stopping = signal;
    this.#spare?.kill('SIGKILL');
    this.#current?.kill(signal);
    this.#wake();
  }

  close(): void {
    this.#spare?.kill('SIGKILL');
    for (const { fd } of this.#kept.values()) closeFd(fd);
    this.#kept.clear();
  }

  #start(): SupervisedProcess {
    const { script, runDir, config } = this.#supervision;
    const isMade = this.#wasReady || config === undefined;
    const argv = [...script, 'daemon', '--run-dir', runDir, ...(isMade ? [] : ['--config', config])];
    const env = { ...this.#terminal.env, [RELOAD_VARIABLE]: isMade ? config : undefined };
    const started: SupervisedProcess = new SupervisedProcess(argv, env, message =>
      this.#heard(started, message),
    );
    return started;
  }

  #heard(from: SupervisedProcess, message: Heard): void {
    switch (message.kind) {
      case 'keep':
        this.#drop(message.name);
        if (message.fd !== undefined) this.#keep(message.name, message.fd, message.blocks);
        return;
      case 'drop':
        this.#drop(message.name);
        return;
      case 'waiting':
        if (from === this.#spare) from.prepare(this.#kept);
        return;
      case 'ending':
        this.#ending = from;
        return;
      case 'notify':
        if (from === this.#current) this.#notify?.(message.text);
        return;
      case 'ready':
        this.#wasReady = true;
        if (from === this.#current && this.#stopping === undefined) this.#spareOne();
        return;
      case 'kept':
      case 'begin':
        // These are ours to say.
        return;
    }
  }

  #spareOne(): void {
    if (this.#spare !== undefined) return;
    const spare = this.#start();
    this.#spare = spare;
    // One that ends while it waits is not missed before it is needed.
    void spare.ended.then(() => {
      if (this.#spare === spare) this.#spare = undefined;
    });
  }

  #keep(name: string, fd: number, blocks: number): void {
    const socket = { fd, blocks };
    this.#kept.set(name, socket);
    this.#spare?.update(name, socket);
  }

  #drop(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    closeFd(kept.fd);
    this.#spare?.update(name, undefined);
  }

  /** As the daemon ended; a second signal may have killed it. */
  #stopped(ending: Ending): number {
    if (ending.code !== null) return ending.code;
    this.#say(`daemon was ended by ${ending.signal} before it had ended in order`);
    return EXIT.refused;
  }

  #isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  #pause(ms: number): Promise<void> {
    if (this.#isStopping()) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #givenUp(ending: Ending): Error {
    const { runDir } = this.#supervision;
    return refusedFailure(
      `The daemon died ${MOST_SHORT_LIVES + 1} times in a row within ${SHORT_LIFE_MS / 1000} s of its start (the last time: ${howOf(ending)}) and is not started again: ${plain(runDir)}/bondwire.log tells what it did; the bonds' interfaces stay, and '${plain(advice('bondwire daemon --run-dir {runDir}', { runDir }))}' takes them over.`,
    );
  }

  #say(what: string): void {
    this.#terminal.err(`bondwire: ${what}\n`);
  }
}

function howOf({ code, signal }: Ending): string {
  return signal ?? `exit code ${code}`;
}
