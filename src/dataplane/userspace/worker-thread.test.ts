// A worker that is slow, hangs or dies: what it may touch stays as long as it may. The worker of this test waits for a file before it
// obeys anything, as a real one does on a machine that has no time for it.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WorkerThread } from './worker-thread.js';

const EVENT_MS = 30_000;

let directory: string;
let worker: WorkerThread | undefined;
let ended: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bw-worker-'));
  ended = 0;
});

afterEach(async () => {
  worker?.interrupt();
  await expect.poll(() => ended, { timeout: EVENT_MS }).toBe(1);
  rmSync(directory, { recursive: true, force: true });
});

/** One that obeys once `goOn` was called; it counts as the real one does, and notes what it was told in a file. */
function slowWorker(): { readonly thread: WorkerThread; readonly goOn: () => void } {
  const gate = join(directory, 'go-on');
  const code = `
    import { existsSync, appendFileSync } from 'node:fs';
    import { receiveMessageOnPort, workerData } from 'node:worker_threads';
    const { done, port } = workerData;
    const words = new Int32Array(done);
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync(${JSON.stringify(gate)})) Atomics.wait(never, 0, 0, 5);
    for (;;) {
      const received = receiveMessageOnPort(port);
      if (received === undefined) { Atomics.wait(never, 0, 0, 5); continue; }
      appendFileSync(${JSON.stringify(join(directory, 'obeyed'))}, received.message.kind + '\\n');
      Atomics.add(words, 0, 1);
      Atomics.notify(words, 0);
      if (received.message.kind === 'end') break;
    }`;
  const main = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const thread = new WorkerThread(
    0,
    () => {},
    () => ended++,
    main,
  );
  worker = thread;
  return { thread, goOn: () => writeFileSync(gate, '') };
}

test('What a slow worker uses is given back when it has obeyed, and not before', async () => {
  const { thread, goOn } = slowWorker();
  const given: string[] = [];
  const first = thread.give({ kind: 'no bond', bond: 1 });
  const second = thread.give({ kind: 'no bond', bond: 2 });
  expect(thread.wait(first, 20)).toBe(false);
  thread.whenDone(first, () => given.push('first'));
  thread.whenDone(second, () => given.push('second'));
  await new Promise(resolve => setTimeout(resolve, 500));
  expect([given, thread.hasObeyed]).toEqual([[], false]);
  goOn();
  await expect.poll(() => given, { timeout: EVENT_MS }).toEqual(['first', 'second']);
  expect(thread.hasObeyed).toBe(true);
  // One that has caught up is waited for again, and gives back at once.
  const third = thread.give({ kind: 'rehearse' });
  expect(thread.wait(third, EVENT_MS)).toBe(true);
  thread.whenDone(third, () => given.push('third'));
  expect(given).toEqual(['first', 'second', 'third']);
});

test('One that was waited for in vain is not waited for again before it has caught up', () => {
  const { thread } = slowWorker();
  expect(thread.wait(thread.give({ kind: 'rehearse' }), 20)).toBe(false);
  const from = performance.now();
  expect(thread.wait(thread.give({ kind: 'rehearse' }), EVENT_MS)).toBe(false);
  expect(performance.now() - from).toBeLessThan(EVENT_MS / 2);
});

test('What a worker uses that dies without obeying is given back when it is dead', async () => {
  const { thread } = slowWorker();
  const given: number[] = [];
  const command = thread.give({ kind: 'no bond', bond: 1 });
  thread.whenDone(command, () => given.push(ended));
  expect(given).toEqual([]);
  thread.interrupt();
  // Before anybody is told of its end, who may start another.
  await expect.poll(() => given, { timeout: EVENT_MS }).toEqual([0]);
  expect(existsSync(join(directory, 'obeyed'))).toBe(false);
});
