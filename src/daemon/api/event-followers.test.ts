// A reader of events who does not read is let go before much waits for him; others hear on.
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { EventRecord } from './api.js';
import { eventText, followEvents, MOST_WAITING_BYTES } from './event-followers.js';
import type { EventListener } from '../keeping/journal.js';

const RECORD: EventRecord = {
  seq: 1,
  time: '2026-01-01T00:00:00.000Z',
  bond: 'bond0',
  severity: 'info',
  type: 'link',
  message: 'x'.repeat(1000),
};

const folder = mkdtempSync(join(tmpdir(), 'bw-follow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A journal without events, and who listens to it. */
function emptyJournal() {
  const listeners = new Set<EventListener>();
  const listen = (listener: EventListener): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { listeners, journal: { after: () => [], listen } };
}

test('what waits for a reader who does not read is bounded, and he is let go', async () => {
  const { listeners, journal } = emptyJournal();
  let mostWaiting = 0;
  const server = createServer((_request, response) => {
    response.writeHead(200).flushHeaders();
    const write = response.write.bind(response);
    response.write = ((text: string) => {
      const done = write(text);
      mostWaiting = Math.max(mostWaiting, response.writableLength);
      return done;
    }) as typeof response.write;
    followEvents(journal, { after: 0, bond: undefined }, response);
  });
  const path = join(folder, 'socket');
  await new Promise<void>(resolve => server.listen(path, resolve));
  const stalled = follower(path);
  const reading = follower(path);
  let heard = 0;
  reading.on('data', (chunk: Buffer) => (heard += chunk.length));
  await vi.waitFor(() => expect(listeners.size).toBe(2), 10_000);
  let told = 0;
  // Twice as much as may wait, in turns in which one who reads can read.
  while (told < 2 * MOST_WAITING_BYTES) {
    for (let i = 0; i < 200; i++) for (const listener of Array.from(listeners)) listener(RECORD);
    told += 200 * eventText(RECORD).length;
    await new Promise(resolve => setTimeout(resolve, 1));
    await vi.waitFor(() => expect(heard).toBeGreaterThanOrEqual(told), { timeout: 30_000, interval: 2 });
  }
  expect(listeners.size).toBe(1);
  expect(mostWaiting).toBeGreaterThan(MOST_WAITING_BYTES);
  expect(mostWaiting).toBeLessThan(MOST_WAITING_BYTES + 64 * 1024);
  stalled.destroy();
  reading.destroy();
  await vi.waitFor(() => expect(listeners.size).toBe(0), 10_000);
  server.close();
}, 120_000);

test('a reader whose connection the daemon has ended is told nothing more, as long as it is not gone', async () => {
  const { listeners, journal } = emptyJournal();
  const errors: Error[] = [];
  let written = 0;
  const server = createServer((_request, response) => {
    response.on('error', error => errors.push(error));
    response.writeHead(200).flushHeaders();
    followEvents(journal, { after: 0, bond: undefined }, response);
    for (const listener of listeners) listener(RECORD);
    response.end();
    for (const listener of listeners) listener(RECORD);
    written += 1;
  });
  const path = join(folder, 'ended');
  await new Promise<void>(resolve => server.listen(path, resolve));
  const reading = follower(path);
  let heard = '';
  reading.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await vi.waitFor(() => expect(listeners.size + written).toBe(1), 10_000);
  await vi.waitFor(() => expect(heard).toContain('\r\n0\r\n'), 10_000);
  expect(heard.split(RECORD.message)).toHaveLength(2);
  expect(errors).toEqual([]);
  reading.destroy();
  server.close();
});

function follower(path: string): Socket {
  const socket = connect(path, () => socket.write('GET / HTTP/1.1\r\nHost: b\r\n\r\n'));
  socket.on('error', () => {});
  return socket;
}
