// Runs a command line in this process and catches what it writes; signals are the test's to send.
import type { Machine } from '../modules.js';
import { runCli } from '../run-cli.js';
import type { Terminal } from '../printing/terminal.js';

export interface Running {
  readonly code: Promise<number>;
  out(): string;
  err(): string;
  signal(name: string): void;
  /** Kept as soon as standard output or error holds the text. */
  wrote(text: string): Promise<void>;
}

export interface Setting {
  readonly runDir?: string;
  readonly machine?: Partial<Machine>;
  readonly env?: Readonly<Record<string, string>>;
  readonly colour?: boolean;
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const MACHINE: Machine = {
  daemon: () => Promise.reject(new Error('no daemon module in this test')),
  lab: () => Promise.reject(new Error('no lab module in this test')),
  rootless: () => Promise.reject(new Error('no rootless module in this test')),
  missingCapabilities: () => [],
};

/** Starts a command line. */
export function start(words: readonly string[], setting: Setting = {}): Running {
  let out = '';
  let err = '';
  const handlers = new Set<(signal: string) => void>();
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  const terminal: Terminal = {
    out: text => {
      out += text;
      wake();
    },
    err: text => {
      err += text;
      wake();
    },
    colour: setting.colour ?? false,
    env: {
      ...(setting.runDir === undefined ? {} : { BONDWIRE_RUN_DIR: setting.runDir }),
      ...setting.env,
    },
    onSignal: handler => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    outliveReader: () => {},
  };
  return {
    code: runCli(words, terminal, { ...MACHINE, ...setting.machine }),
    out: () => out,
    err: () => err,
    signal: name => {
      for (const handler of handlers) handler(name);
    },
    wrote: text =>
      new Promise(resolve => {
        const check = (): void => {
          if (!`${out}${err}`.includes(text)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Runs a command line to its end. */
export async function run(words: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const running = start(words, setting);
  const code = await running.code;
  return { code, out: running.out(), err: running.err() };
}
