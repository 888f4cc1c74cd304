// A bondwire daemon of one's own: started where the caller says, driven by the bondwire command, ended in the end. For
// the demo, the benches and end-to-end tests.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { EventRecord, ShowBond, ShowDocument } from '../daemon/api/api.js';
import type { Spawn } from './loss-meter.js';

/** What a command left. */
export interface CommandResult {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Collects what a process writes until it ends. Throws when it cannot be started. */
export function collect(child: ChildProcess): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin?.end();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', status => resolve({ status, stdout, stderr }));
  });
}

const START_MS = 120_000;
/** What the daemon writes when it answers. */
const READY = 'bondwire: ready at ';
const STOP_MS = 5000;

/** One daemon and the commands for it. */
export class ManagedBondwire {
  readonly #spawn: Spawn;
  readonly #bin: string;
  readonly runDir: string;
  readonly #daemonArgs: readonly string[];
  #daemon: ChildProcess | null = null;
  #log = '';

  /**
   * `spawn` starts programs where the bond is to be; `bin` is the absolute path of the bondwire command; `daemonArgs` are given
   * to `bondwire daemon`.
   */
  constructor(options: {
    readonly spawn: Spawn;
    readonly bin: string;
    readonly runDir: string;
    readonly daemonArgs?: readonly string[];
  }) {
    this.#daemonArgs = options.daemonArgs ?? [];
    this.#spawn = options.spawn;
    this.#bin = options.bin;
    this.runDir = options.runDir;
  }

  #start(args: readonly string[]): ChildProcess {
    return this.#spawn([process.execPath, this.#bin, ...args, '--run-dir', this.runDir]);
  }

  /** The daemon's process id, or null when there is none. */
  get pid(): number | null {
    return this.#daemon?.pid ?? null;
  }

  /** What the daemon wrote, the last part. */
  get log(): string {
    return this.#log;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    const child = this.#start(['daemon', ...this.#daemonArgs]);
    this.#daemon = child;
    this.#log = '';
    const ended: string[] = [];
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-8000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('error', error => {
      ended.push(error.message);
    });
    child.once('exit', (status, signal) => {
      ended.push(signal ?? `exit status ${status}`);
      this.#daemon = null;
    });
    // Its own word, not the answer to a command: on a slow machine each command would take the time that it needs.
    const deadline = performance.now() + START_MS;
    while (!this.#log.includes(READY)) {
      if (ended.length > 0)
        throw new Error(`The daemon ended while it started (${ended.join(', ')}): ${this.#log.trim()}`);
      if (performance.now() > deadline) {
        throw new Error(`The daemon was not ready within ${START_MS / 1000} s: ${this.#log.trim()}`);
      }
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** Runs a bondwire command to its end, whatever that is. */
  command(args: readonly string[]): Promise<CommandResult> {
    return collect(this.#start(args));
  }

  /** Runs a bondwire command that must succeed; gives its standard output. */
  async run(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.command(args);
    if (status === 0) return stdout;
    throw new Error(
      `The command with ${args.join(' ')} failed (exit status ${status}): ${(stderr || stdout).trim()}`,
    );
  }

  /** The bond as `show --json` has it. */
  async show(bond: string): Promise<ShowBond> {
    const document = JSON.parse(await this.run('show', bond, '--json')) as ShowDocument;
    const found = document.bonds.find(one => one.name === bond);
    if (found === undefined) throw new Error(`The daemon does not show ${bond}`);
    return found;
  }

  /** Calls back with each event from now on (and those before); returns how to end that. */
  follow(onEvent: (event: EventRecord) => void): () => void {
    const child = this.#start(['events', '--follow', '--json']);
    child.once('error', () => {});
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', line => {
        if (line.startsWith('{')) onEvent(JSON.parse(line) as EventRecord);
      });
    }
    return () => void child.kill('SIGTERM');
  }

  /** Ends the daemon: SIGTERM, and SIGKILL when that does not help (or when asked for). */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#daemon;
    if (child === null) return;
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
}
