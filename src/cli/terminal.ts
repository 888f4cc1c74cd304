// Where a command writes and what interrupts it: the process's own streams and signals, or a test's.

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

/** The process's own terminal. A reader that closed the pipe (`show | head`) ends the process quietly. */
export function processTerminal(): Terminal {
  let outlive = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (outlive) return;
    if (error.code !== 'EPIPE') console.error(`bondwire: cannot write to standard output: ${error.message}`);
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  process.stderr.on('error', () => {});
  return {
    out: text => void process.stdout.write(text),
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
