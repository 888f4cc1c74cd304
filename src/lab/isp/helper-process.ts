// A process of the lab that says when it is ready, and then runs until the lab is closed.
import type { ChildProcess } from 'node:child_process';

const START_MS = 30_000;

/**
 * How Node is started for a process in real time: its engine may use no other threads, for which it would have to wait while
 * everybody else has the processors. Seen: 100 ms at a time on a busy machine, 20 ms so.
 */
export const PROMPT_NODE: readonly string[] = [process.execPath, '--single-threaded'];

/** Resolves when the process writes `ready` first of all; fails with what it wrote to standard error. `what` names it in errors. */
export function untilReady(child: ChildProcess, what: string, ready: string): Promise<void> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000);
  });
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`${what} ${why}: ${errors.trim()}`));
    };
    const timer = setTimeout(() => fail(`was not ready after ${START_MS} ms`), START_MS);
    child.once('error', error => fail(`could not be started (${error.message})`));
    child.once('close', () => fail('ended'));
    child.stdout?.once('data', (chunk: Buffer) => {
      clearTimeout(timer);
      if (chunk.toString() === ready) resolve();
      else fail(`said ${chunk.toString()}`);
    });
  });
}
