// The keys of a demo that goes on: single key presses of a terminal.

export interface DemoKeys {
  cut(): void;
  restore(): void;
  quit(): void;
}

const CTRL_C = '\u0003';

/** Listens to the terminal's keys; returns how to end that, or null where there is no terminal. */
export function listenForKeys(keys: DemoKeys): (() => void) | null {
  const input = process.stdin;
  if (!input.isTTY) return null;
  const onData = (data: Buffer): void => {
    for (const key of data.toString()) {
      if (key === 'c') keys.cut();
      else if (key === 'r') keys.restore();
      else if (key === 'q' || key === CTRL_C) keys.quit();
    }
  };
  input.setRawMode(true);
  input.on('data', onData);
  input.resume();
  return () => {
    input.setRawMode(false);
    input.off('data', onData);
    input.pause();
  };
}
