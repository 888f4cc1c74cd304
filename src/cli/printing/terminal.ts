// Where a command writes and what interrupts it: the process's own streams and signals, or a test's.

import { fstatSync, writeSync } from 'node:fs';

/** What a command may know of the terminal. */
export interface Terminal {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** True when standard output takes ANSI colours. */
  readonly colour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back for SIGINT, SIGTERM and SIGHUP, which then no longer end the process; returns how to stop that. */
  onSignal(handler: (signal: string) => void): () => void;
  /** From here on the command outlives a reader of its output that goes away. */
  outliveReader(): void;
}

/** Whether to colour: a terminal, not dumb, and nobody who said no (https://no-color.org). */
export function wantsColour(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

function isPipe(fd: number): boolean {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket();
}

/** Writes to a file. Node takes a part that still had room on a full disk for the whole. */
function writeWhole(fd: number, text: string, failed: (error: NodeJS.ErrnoException) => void): void {
  try {
    for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
  } catch (error) {
    failed(error as NodeJS.ErrnoException);
  }
}

/** The process's own terminal. A reader that closed the pipe (`show | head`) ends the process quietly. */
export function processTerminal(): Terminal {
  let outlive = false;
  const failed = (error: NodeJS.ErrnoException): void => {
    if (outlive) return;
    if (error.code !== 'EPIPE') console.error(`bondwire: cannot write to standard output: ${error.message}`);
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  };
  process.stdout.on('error', failed);
  process.stderr.on('error', () => {});
  const isStream = process.stdout.isTTY || isPipe(process.stdout.fd);
  return {
    out(text) {
      if (isStream) process.stdout.write(text);
      else writeWhole(process.stdout.fd, text, failed);
    },
    err: text => void process.stderr.write(text),
    colour: wantsColour(process.stdout.isTTY, process.env),
    env: process.env,
    onSignal(handler) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
    outliveReader() {
      outlive = true;
    },
  };
}

/** Ends the process when all is written out; does not wait for handles that a library left open. */
export function endProcess(code: number): void {
  process.exitCode = code;
  process.stdout.write('', () => process.exit(code));
}
